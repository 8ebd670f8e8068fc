"""Holds a runbook against the catalog of actions and against itself; returns what is wrong, and where. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.runbook.document import Path
from bot.runbook.expressions import ExpressionError
from bot.runbook.inputs import read
from bot.runbook.names import (
    check_expression,
    check_template,
    check_value,
    evidence_types,
    gather_scope,
    scope_of,
)
from bot.runbook.schema import Runbook
from bot.runbook.selftest import given
from bot.runbook.signatures import Signature, UnknownAction, coerce, near, of_diagnostic, of_remediation
from bot.runbook.steps import needs


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at a path of the document."""

    path: Path
    says: str


def check(runbook: Runbook) -> list[Problem]:
    """Returns everything that is wrong with a runbook that fits the schema."""
    problems = list(_inputs(runbook))
    problems += _gather(runbook)
    if not problems:
        problems += _order(runbook)
    problems += _causes(runbook)
    problems += _remedies(runbook)
    problems += _tests(runbook)
    return problems


def _inputs(runbook: Runbook) -> Iterator[Problem]:
    for name, declared in runbook.inputs.items():
        if declared.default is not None:
            try:
                read(declared, declared.default)
            except ValueError as error:
                yield Problem(("inputs", name, "default"), f"the default does not fit: {error}")


def _gather(runbook: Runbook) -> Iterator[Problem]:
    for name, step in runbook.gather.items():
        path: Path = ("gather", name)
        scope = gather_scope(runbook, name)
        try:
            signature = of_diagnostic(step.use)
        except UnknownAction as error:
            yield Problem((*path, "use"), str(error))
            continue
        yield from _parameters(path, step.use, signature, step.parameters, scope)
        if step.when is not None:
            yield from _tried((*path, "when"), check_expression, step.when, scope)


def _order(runbook: Runbook) -> Iterator[Problem]:
    """Steps that wait for each other would wait for ever."""
    waiting = {name: needs(step, runbook.gather) for name, step in runbook.gather.items()}
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    for name in waiting:
        others = ", ".join(sorted(waiting.keys() - {name})) or "itself"
        yield Problem(("gather", name), f"the step {name!r} waits for {others}, which waits for it")


def _causes(runbook: Runbook) -> Iterator[Problem]:
    scope = scope_of(runbook)
    seen: dict[str, int] = {}
    for number, cause in enumerate(runbook.causes):
        path: Path = ("causes", number)
        if cause.id in seen:
            yield Problem((*path, "id"), f"the cause {cause.id!r} stands here a second time")
        for other in cause.unless:
            if other not in seen:
                yield Problem((*path, "unless"), f"there is no cause {other!r} before this one{near(other, seen)}")
        seen[cause.id] = number
        yield from _tried((*path, "when"), check_expression, cause.when, scope)
        yield from _tried((*path, "says"), check_template, cause.says, scope)
        if cause.remedy is not None and cause.remedy not in runbook.remedies:
            yield Problem(
                (*path, "remedy"), f"there is no remedy {cause.remedy!r}{near(cause.remedy, runbook.remedies)}"
            )


def _remedies(runbook: Runbook) -> Iterator[Problem]:
    scope = scope_of(runbook)
    for name, remedy in runbook.remedies.items():
        path: Path = ("remedies", name)
        try:
            signature = of_remediation(remedy.use)
        except UnknownAction as error:
            yield Problem((*path, "use"), str(error))
            continue
        yield from _parameters(path, remedy.use, signature, remedy.parameters, scope)


def _parameters(
    path: Path, use: str, signature: Signature, written: Mapping[str, object], scope: Mapping[str, Any]
) -> Iterator[Problem]:
    for name in sorted(signature.required - written.keys()):
        yield Problem(path, f"{use} needs the parameter {name!r}; give it under `with`")
    for name, value in written.items():
        where: Path = (*path, "with", name)
        kind = signature.parameters.get(name)
        if kind is None:
            known = ", ".join(sorted(signature.parameters)) or "none"
            says = f"{use} has no parameter {name!r}{near(name, signature.parameters)} It takes: {known}."
            yield Problem(where, says)
            continue
        try:
            if not check_value(value, scope):
                coerce(kind, value)
        except (ValueError, ExpressionError) as error:
            yield Problem(where, str(error))


def _tests(runbook: Runbook) -> Iterator[Problem]:
    types = evidence_types(runbook)
    causes = [cause.id for cause in runbook.causes]
    for number, test in enumerate(runbook.tests):
        path: Path = ("tests", number)
        for step, fields in test.given.items():
            if step not in types:
                yield Problem((*path, "given", step), f"there is no step {step!r}{near(step, types)}")
                continue
            try:
                given(types[step], fields)
            except ValueError as error:
                yield Problem((*path, "given", step), str(error))
        for step in test.missing:
            if step not in types:
                yield Problem((*path, "missing"), f"there is no step {step!r}{near(step, types)}")
        expected = test.expect
        for cause in {expected.cause, *(expected.causes or ()), *(expected.undecided or ())} - {None, *causes}:
            yield Problem((*path, "expect"), f"there is no cause {cause!r}{near(str(cause), causes)}")
        if expected.remedy is not None and expected.remedy not in runbook.remedies:
            says = f"there is no remedy {expected.remedy!r}{near(expected.remedy, runbook.remedies)}"
            yield Problem((*path, "expect"), says)


def _tried(
    path: Path, checker: Callable[[str, Mapping[str, Any]], object], source: str, scope: Mapping[str, Any]
) -> Iterator[Problem]:
    try:
        checker(source, scope)
    except ExpressionError as error:
        yield Problem(path, str(error))
