"""Runs the tests that stand in a runbook: given evidence, expected cause and remedy. Pure; needs no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from actions.contract import Refused, Remediation, Unreadable
from bot.errors import WrongUsage
from bot.runbook.diagnosis.card_fields import Shown
from bot.runbook.diagnosis.card_fields import shown as first_seen
from bot.runbook.diagnosis.causes import CauseStatus, Diagnosis, diagnose
from bot.runbook.diagnosis.remedies import build, where_of
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing
from bot.runbook.expressions.names import evidence_types
from bot.runbook.language.inputs import resolve
from bot.runbook.language.schema import Expect, Runbook, Test
from bot.runbook.language.signatures import did_you_mean, item_of
from bot.runbook.testing.evidence_stubs import given
from bot.runbook.testing.scripted_server import ScriptedServer


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a test went another way than it expects; with neither side it could not be run, and `what` says why."""

    what: str
    expected: str = ""
    got: str = ""

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.got}" if self.expected else self.what


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went; `differences` is empty when it passed."""

    __test__ = False

    runbook: str
    number: int
    """From 0, as the tests stand in the file."""
    name: str
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which causes of a runbook the tests expect to hold, and which none does."""

    covered: tuple[str, ...]
    missed: tuple[str, ...]


CardOf: TypeAlias = Callable[[Runbook, Diagnosis, Mapping[str, object], Shown], str]
"""The text of the card that a diagnosis would have; a port, since cards are drawn in another house."""
AT: Mapping[str, str | int] = {
    "name": "db-1",
    "address": "db-1:3306",
    "role": "replica",
    "shard": "db",
    "flavour": "mysql",
    "replicas": 2,
    "tablet": "",
}
"""The target of a test, where it gives none."""


def run_tests(runbook: Runbook, card: CardOf | None = None) -> list[TestResult]:
    """Runs every test of a runbook; without `card`, what a test expects of the card is not looked at."""
    results = []
    for number, test in enumerate(runbook.tests):
        name = test.name or f"{test.expect.cause or 'no cause'} ({number + 1})"
        results.append(TestResult(runbook.runbook, number, name, differences(runbook, test, card)))
    return results


def differences(runbook: Runbook, test: Test, card: CardOf | None = None) -> tuple[Difference, ...]:
    """Runs one test and returns where it went another way than it expects."""
    return tuple(_differences(runbook, test, card))


def coverage(runbook: Runbook) -> Coverage:
    """Which causes the tests of a runbook expect to hold."""
    expected = {name for test in runbook.tests for name in (test.expect.cause, *(test.expect.causes or ()))}
    names = [cause.id for cause in runbook.causes]
    return Coverage(
        tuple(name for name in names if name in expected), tuple(name for name in names if name not in expected)
    )


def evidence_of(runbook: Runbook, test: Test) -> dict[str, object]:
    """The evidence of a test: what is given, the rest as each type's default; raises ValueError."""
    types = evidence_types(runbook)
    found = {step: given(kind, test.given.get(step, [] if item_of(kind) else {})) for step, kind in types.items()}
    return found | {step: Missing(step, "the test says so") for step in test.missing}


def _differences(runbook: Runbook, test: Test, card: CardOf | None) -> Iterator[Difference]:
    try:
        inputs = resolve(runbook, {}, test.inputs)
        evidence = evidence_of(runbook, test)
    except (ValueError, WrongUsage) as error:
        yield Difference(str(error))
        return
    target: dict[str, str | int] = {**AT, **{str(name): value for name, value in test.target.items()}}
    diagnosis = diagnose(runbook, evidence, inputs, target)
    yield from _verdicts(test.expect, diagnosis)
    yield from _remedies(runbook, test, diagnosis, {**evidence, "inputs": inputs, "target": target})
    if test.expect.card is not None and card is not None:
        shown = card(runbook, diagnosis, evidence, first_seen(runbook, evidence, inputs, target))
        if test.expect.card not in shown:
            yield Difference("card", repr(test.expect.card), shown)


def _verdicts(expected: Expect, diagnosis: Diagnosis) -> Iterator[Difference]:
    lead = diagnosis.lead
    if (lead.id if lead else None) != expected.cause:
        yield Difference("cause", expected.cause or "none", _shown(diagnosis))
    elif (offered := lead.remedies if lead else ()) != expected.remedies:
        yield Difference("remedy", _names(expected.remedies), _names(offered))
    if expected.causes is not None and (held := tuple(each.id for each in diagnosis.holding)) != expected.causes:
        yield Difference("causes", _names(expected.causes), _names(held))
    open_ones = tuple(each.id for each in diagnosis.causes if each.verdict is CauseStatus.UNDECIDED)
    if expected.undecided is not None and open_ones != expected.undecided:
        yield Difference("undecided", _names(expected.undecided), _names(open_ones))
    if expected.says is not None and expected.says not in (lead.says if lead else ""):
        yield Difference("says", repr(expected.says), repr(lead.says if lead else ""))


def _remedies(runbook: Runbook, test: Test, diagnosis: Diagnosis, scope: Mapping[str, object]) -> Iterator[Difference]:
    """A remedy that is offered must also be buildable from the evidence that proved its cause."""
    lead = diagnosis.lead
    for name in lead.remedies if lead else ():
        first = lead is not None and name == lead.remedies[0]
        built: list[tuple[Remediation, Mapping[str, Any]]] = []
        if name in runbook.remedies:
            try:
                where_of(runbook.remedies[name], scope)
            except (EvidenceMissing, ExpressionError) as error:
                yield Difference(f"remedy {name} has no target: {error}")
                return
        for step in runbook.remedies[name].each_step if name in runbook.remedies else ():
            if step.use is None:
                continue  # what another runbook does is tested there
            try:
                built.append(build(step.use, step.parameters, scope))
            except (EvidenceMissing, ExpressionError) as error:
                yield Difference(f"remedy {name} cannot be built: {error}")
                return
        if first and built:
            yield from _parameters(name, test.expect.parameters or {}, built[0][1])
        if first and test.expect.statements is not None:
            yield from _statements(test, [remediation for remediation, _ in built])


def _parameters(remedy: str, expected: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[Difference]:
    for name, value in expected.items():
        if name not in built:
            yield Difference(f"with: {remedy} has no parameter {name!r}{did_you_mean(name, built)}")
        elif built[name] != value:
            yield Difference(f"with: {name}", repr(value), repr(built[name]))


def _statements(test: Test, remediations: list[Remediation]) -> Iterator[Difference]:
    """Dries the changes out on a server that gives the test's answers."""
    server = ScriptedServer(test.server, test.answers)
    try:
        got = tuple(str(text) for remediation in remediations for text in remediation.change(server))
    except (Refused, Unreadable) as error:
        yield Difference(f"statements: {error}")
        return
    if got != test.expect.statements:
        yield Difference("statements", "; ".join(test.expect.statements or ()) or "none", "; ".join(got) or "none")


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


def _shown(diagnosis: Diagnosis) -> str:
    lead = diagnosis.lead
    if lead is not None:
        return f"{lead.id} ({lead.says})"
    reasons = [f"{each.id}: {each.says}" for each in diagnosis.causes if each.verdict is CauseStatus.UNDECIDED]
    return "none" + (f" ({'; '.join(reasons[:3])})" if reasons else "")
