"""Runs the tests of a runbook: compares the outcome for the given evidence with the expected one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from actions.contract import Refused, Remediation, Unreadable
from bot.errors import WrongUsage
from bot.runbook.diagnosis.card_fields import CardFields, render_card_fields
from bot.runbook.diagnosis.causes import CauseStatus, Diagnosis, diagnose
from bot.runbook.diagnosis.remedies import build, remedy_location
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing
from bot.runbook.expressions.names import evidence_types
from bot.runbook.language.inputs import resolve
from bot.runbook.language.kinds import KnownKinds, not_answered
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import did_you_mean, item_of
from bot.runbook.language.tests_schema import Expect, Test
from bot.runbook.testing.evidence_stubs import build_evidence
from bot.runbook.testing.scripted_server import ScriptedServer


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference between the expected and the actual outcome; without both, `what` says why the test cannot run."""

    what: str
    expected: str = ""
    got: str = ""

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.got}" if self.expected else self.what


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of one test; `differences` is empty if it passed."""

    __test__ = False

    runbook: str
    number: int
    """The index of the test in the file, from 0."""
    name: str
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class Coverage:
    """The causes of a runbook that at least one test expects, and the others."""

    covered: tuple[str, ...]
    missed: tuple[str, ...]


CardRenderer: TypeAlias = Callable[[Runbook, Diagnosis, Mapping[str, object], CardFields], str]
"""Renders the text of the card for a diagnosis; a parameter, because cards belong to bot.slack."""
DEFAULT_TARGET: Mapping[str, str | int] = {
    "name": "db-1",
    "address": "db-1:3306",
    "role": "replica",
    "shard": "db",
    "flavour": "mysql",
    "replicas": 2,
    "tablet": "",
}
"""The target of a test that does not give one."""


def run_tests(runbook: Runbook, card: CardRenderer | None = None) -> list[TestResult]:
    """Runs every test of a runbook; without `card`, expectations about the card are not checked."""
    results = []
    for number, test in enumerate(runbook.tests):
        name = test.name or f"{test.expect.cause or 'no cause'} ({number + 1})"
        results.append(TestResult(runbook.runbook, number, name, differences(runbook, test, card)))
    return results


def differences(runbook: Runbook, test: Test, card: CardRenderer | None = None) -> tuple[Difference, ...]:
    """Runs one test and returns the differences from its expectations."""
    return tuple(_differences(runbook, test, card))


def coverage(runbook: Runbook) -> Coverage:
    """Returns which causes the tests of a runbook expect."""
    expected = {name for test in runbook.tests for name in (test.expect.cause, *(test.expect.causes or ()))}
    names = [cause.id for cause in runbook.causes]
    return Coverage(
        tuple(name for name in names if name in expected), tuple(name for name in names if name not in expected)
    )


def evidence_of(runbook: Runbook, test: Test) -> dict[str, object]:
    """Returns the evidence of a test, with defaults for what it does not give; raises ValueError."""
    types = evidence_types(runbook)
    found = {
        step: build_evidence(kind, test.given.get(step, [] if item_of(kind) else {})) for step, kind in types.items()
    }
    return found | {step: Missing(step, "the test lists it under `missing`") for step in test.missing}


def _differences(runbook: Runbook, test: Test, card: CardRenderer | None) -> Iterator[Difference]:
    try:
        inputs = resolve(runbook, {}, test.inputs)
        evidence = evidence_of(runbook, test)
    except (ValueError, WrongUsage) as error:
        yield Difference(str(error))
        return
    target: dict[str, str | int] = {**DEFAULT_TARGET, **{str(name): value for name, value in test.target.items()}}
    silent = not_answered(runbook.runbook, runbook.kinds, str(target["name"]), KnownKinds(test.kinds))
    diagnosis = Diagnosis(()) if silent else diagnose(runbook, evidence, inputs, target)
    yield from _verdicts(test.expect, diagnosis, silent)
    yield from _remedies(runbook, test, diagnosis, {**evidence, "inputs": inputs, "target": target})
    if test.expect.card is not None and card is not None:
        text = card(runbook, diagnosis, evidence, render_card_fields(runbook, evidence, inputs, target))
        if test.expect.card not in text:
            yield Difference("card", repr(test.expect.card), text)


def _verdicts(expected: Expect, diagnosis: Diagnosis, silent: str) -> Iterator[Difference]:
    """Compares the causes; `silent` says why the runbook does not answer, or is ''."""
    lead = diagnosis.lead
    told = lead.says if lead else silent
    if (lead.id if lead else None) != expected.cause:
        yield Difference("cause", expected.cause or "none", silent or _outcome(diagnosis))
    elif (offered := lead.remedies if lead else ()) != expected.remedies:
        yield Difference("remedy", _names(expected.remedies), _names(offered))
    if expected.causes is not None and (held := tuple(each.id for each in diagnosis.holding)) != expected.causes:
        yield Difference("causes", _names(expected.causes), _names(held))
    continues = lead.continues if lead else ""
    if expected.continues is not None and continues != expected.continues:
        yield Difference("continues", expected.continues, continues or "none")
    undecided = tuple(each.id for each in diagnosis.causes if each.verdict is CauseStatus.UNDECIDED)
    if expected.undecided is not None and undecided != expected.undecided:
        yield Difference("undecided", _names(expected.undecided), _names(undecided))
    if expected.says is not None and expected.says not in told:
        yield Difference("says", repr(expected.says), repr(told))


def _remedies(runbook: Runbook, test: Test, diagnosis: Diagnosis, scope: Mapping[str, object]) -> Iterator[Difference]:
    """Builds every offered remedy from the evidence that proves its cause."""
    lead = diagnosis.lead
    for name in lead.remedies if lead else ():
        first = lead is not None and name == lead.remedies[0]
        built: list[tuple[Remediation, Mapping[str, Any]]] = []
        if name in runbook.remedies:
            try:
                remedy_location(runbook.remedies[name], scope)
            except (EvidenceMissing, ExpressionError) as error:
                yield Difference(f"remedy {name}: cannot evaluate `on`: {error}")
                return
        for step in runbook.remedies[name].each_step if name in runbook.remedies else ():
            if step.use is None:
                continue  # the other runbook has its own tests
            try:
                built.append(build(step.use, step.parameters, scope))
            except (EvidenceMissing, ExpressionError) as error:
                yield Difference(f"remedy {name}: cannot build {step.use}: {error}")
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
    """Plans the changes on a server that returns the answers of the test."""
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


def _outcome(diagnosis: Diagnosis) -> str:
    lead = diagnosis.lead
    if lead is not None:
        return f"{lead.id} ({lead.says})"
    reasons = [f"{each.id}: {each.says}" for each in diagnosis.causes if each.verdict is CauseStatus.UNDECIDED]
    return "none" + (f" ({'; '.join(reasons[:3])})" if reasons else "")
