"""Runs the tests that stand in a runbook: given evidence, expected cause and remedy. Pure; needs no server."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from actions.contract import Refused, Remediation, Unreadable
from bot.errors import WrongUsage
from bot.runbook.causes import Diagnosis, Judged, diagnose
from bot.runbook.expressions import EvidenceMissing, ExpressionError, Missing
from bot.runbook.inputs import resolve
from bot.runbook.names import evidence_types
from bot.runbook.remedies import build
from bot.runbook.schema import Expect, Runbook, Test
from bot.runbook.scripted import ScriptedServer
from bot.runbook.signatures import bare, coerce, fields_of, item_of, near, unit_of


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went; `differences` is empty when it passed."""

    __test__ = False

    runbook: str
    number: int
    """From 0, as the tests stand in the file."""
    name: str
    differences: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences


CardOf: TypeAlias = Callable[[Runbook, Diagnosis, Mapping[str, object]], str]
"""The text of the card that a diagnosis would have; a port, since cards are drawn in another house."""
AT = {"name": "db-1", "address": "db-1:3306", "role": "replica", "shard": "db", "flavour": "mysql"}
"""The target of a test."""


def run_tests(runbook: Runbook, card: CardOf | None = None) -> list[TestResult]:
    """Runs every test of a runbook; without `card`, what a test expects of the card is not looked at."""
    results = []
    for number, test in enumerate(runbook.tests):
        name = test.name or f"{test.expect.cause or 'no cause'} ({number + 1})"
        results.append(TestResult(runbook.runbook, number, name, tuple(_differences(runbook, test, card))))
    return results


def evidence_of(runbook: Runbook, test: Test) -> dict[str, object]:
    """The evidence of a test: what is given, the rest as each type's default; raises ValueError."""
    types = evidence_types(runbook)
    found = {step: given(kind, test.given.get(step, [] if item_of(kind) else {})) for step, kind in types.items()}
    return found | {step: Missing(step, "the test says so") for step in test.missing}


def _differences(runbook: Runbook, test: Test, card: CardOf | None) -> typing.Iterator[str]:
    try:
        inputs = resolve(runbook, {}, test.inputs)
        evidence = evidence_of(runbook, test)
    except (ValueError, WrongUsage) as error:
        yield str(error)
        return
    diagnosis = diagnose(runbook, evidence, inputs)
    yield from _verdicts(test.expect, diagnosis)
    yield from _remedies(runbook, test, diagnosis, {**evidence, "inputs": inputs, "target": AT})
    if test.expect.card is not None and card is not None:
        shown = card(runbook, diagnosis, evidence)
        if test.expect.card not in shown:
            yield f"card: expected {test.expect.card!r} in {shown!r}"


def _verdicts(expected: Expect, diagnosis: Diagnosis) -> typing.Iterator[str]:
    lead = diagnosis.lead
    if (lead.id if lead else None) != expected.cause:
        yield f"cause: expected {expected.cause or 'none'}, got {_shown(diagnosis)}"
    elif (offered := lead.remedies if lead else ()) != expected.remedies:
        yield f"remedy: expected {', '.join(expected.remedies) or 'none'}, got {', '.join(offered) or 'none'}"
    if expected.causes is not None and (held := tuple(each.id for each in diagnosis.holding)) != expected.causes:
        yield f"causes: expected {', '.join(expected.causes) or 'none'}, got {', '.join(held) or 'none'}"
    open_ones = tuple(each.id for each in diagnosis.causes if each.verdict is Judged.UNDECIDED)
    if expected.undecided is not None and open_ones != expected.undecided:
        yield f"undecided: expected {', '.join(expected.undecided) or 'none'}, got {', '.join(open_ones) or 'none'}"
    if expected.says is not None and expected.says not in (lead.says if lead else ""):
        yield f"says: expected {expected.says!r} in {(lead.says if lead else '')!r}"


def _remedies(runbook: Runbook, test: Test, diagnosis: Diagnosis, scope: Mapping[str, object]) -> typing.Iterator[str]:
    """A remedy that is offered must also be buildable from the evidence that proved its cause."""
    lead = diagnosis.lead
    for name in lead.remedies if lead else ():
        first = lead is not None and name == lead.remedies[0]
        built: list[tuple[Remediation, Mapping[str, Any]]] = []
        for step in runbook.remedies[name].each_step if name in runbook.remedies else ():
            if step.use is None:
                continue  # what another runbook does is tested there
            try:
                built.append(build(step.use, step.parameters, scope))
            except (EvidenceMissing, ExpressionError) as error:
                yield f"remedy {name}: cannot be built: {error}"
                return
        if first and built:
            yield from _parameters(name, test.expect.parameters or {}, built[0][1])
        if first and test.expect.statements is not None:
            yield from _statements(test, [remediation for remediation, _ in built])


def _parameters(remedy: str, expected: Mapping[str, Any], built: Mapping[str, Any]) -> typing.Iterator[str]:
    for name, value in expected.items():
        if name not in built:
            yield f"with: {remedy} has no parameter {name!r}{near(name, built)}"
        elif built[name] != value:
            yield f"with: {name}: expected {value!r}, got {built[name]!r}"


def _statements(test: Test, remediations: list[Remediation]) -> typing.Iterator[str]:
    """Dries the changes out on a server that gives the test's answers."""
    server = ScriptedServer(test.server, test.answers)
    try:
        got = tuple(str(text) for remediation in remediations for text in remediation.change(server))
    except (Refused, Unreadable) as error:
        yield f"statements: {error}"
        return
    if got != test.expect.statements:
        yield f"statements: expected {'; '.join(test.expect.statements or ())}, got {'; '.join(got) or 'none'}"


def _shown(diagnosis: Diagnosis) -> str:
    lead = diagnosis.lead
    if lead is not None:
        return f"{lead.id} ({lead.says})"
    reasons = [f"{each.id}: {each.says}" for each in diagnosis.causes if each.verdict is Judged.UNDECIDED]
    return "none" + (f" ({'; '.join(reasons[:3])})" if reasons else "")


def given(kind: Any, fields: object) -> Any:  # noqa: ANN401 - evidence of any type
    """Evidence of this type with these fields, the rest as the type's defaults; raises ValueError in plain words."""
    item = item_of(kind)
    if item is not None and isinstance(fields, list | tuple):
        values = [given(item, each) for each in fields]
        return tuple(values) if get_origin(bare(kind)) is tuple else values
    plain = bare(kind)
    if not (isinstance(plain, type) and dataclasses.is_dataclass(plain)):
        return coerce(kind, fields)
    if fields is None and NoneType in get_args(kind):
        return None
    if not isinstance(fields, Mapping):
        raise ValueError(f"fields of {plain.__name__} are needed here, not {str(fields)[:60]!r}")
    hints = fields_of(plain)
    declared = {field.name: field for field in dataclasses.fields(plain) if field.init}
    for name in fields:
        if name not in declared:
            raise ValueError(f"{plain.__name__} has no field {name!r}{near(name, declared)}")
    values_by_name: dict[str, Any] = {}
    for name, field in declared.items():
        if name in fields:
            try:
                values_by_name[name] = given(hints[name], fields[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            values_by_name[name] = default_of(hints[name])
    return plain(**values_by_name)


_ZEROS: Mapping[Any, Any] = {int: 0, float: 0.0, str: "", bool: False}


def default_of(kind: Any) -> Any:  # noqa: ANN401
    """What a field of this type holds when a test does not care."""
    if get_origin(kind) is Annotated and unit_of(kind):
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind):
        return None
    plain = bare(kind)
    if plain in _ZEROS:
        return _ZEROS[plain]
    if item_of(plain) is not None:
        return () if get_origin(plain) is tuple else []
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return next(iter(plain))
    if isinstance(plain, type) and dataclasses.is_dataclass(plain):
        return given(plain, {})
    if get_origin(plain) is not None and issubclass(get_origin(plain), Mapping):
        return {}
    raise ValueError(f"a field of the type {plain} has no default; give it")
