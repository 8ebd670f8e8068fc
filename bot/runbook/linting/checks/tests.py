"""Checks of `tests`: whether they speak of steps, fields, causes and remedies that are there. It runs none. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, get_args

from bot.runbook.expressions.names import evidence_types
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.inputs import read
from bot.runbook.language.schema import Expect, Runbook, Test
from bot.runbook.language.signatures import UnknownAction, bare, coerce, fields_of, item_of, nearest, of_remediation

_NOTHING = "test-of-nothing"


def check_tests(runbook: Runbook) -> Iterator[Problem]:
    """Holds what every test gives and expects against the runbook."""
    types = evidence_types(runbook)
    for number, test in enumerate(runbook.tests):
        path: Path = ("tests", number)
        yield from _given(path, test, types)
        yield from _inputs((*path, "inputs"), runbook, test)
        yield from _expected((*path, "expect"), runbook, test.expect)


def _given(path: Path, test: Test, types: Mapping[str, Any]) -> Iterator[Problem]:
    for step, fields in test.given.items():
        if step in types:
            yield from _misfits((*path, "given", step), types[step], fields)
        else:
            yield _absent((*path, "given", step), "step", step, types, on_key=True)
    for place, step in enumerate(test.missing):
        if step not in types:
            yield _absent((*path, "missing", place), "step", step, types)


def _misfits(path: Path, kind: Any, value: object) -> Iterator[Problem]:  # noqa: ANN401 - evidence of any type
    """What of a value does not fit this type of evidence, each at its own place."""
    item = item_of(kind)
    plain = bare(kind)
    if item is not None and isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _misfits((*path, number), item, each)
    elif isinstance(plain, type) and dataclasses.is_dataclass(plain):
        yield from _misfits_of_record(path, kind, plain, value)
    else:
        try:
            coerce(kind, value)
        except ValueError as error:
            yield Problem(path, str(error), "wrong-evidence")


def _misfits_of_record(path: Path, kind: Any, plain: type, value: object) -> Iterator[Problem]:  # noqa: ANN401
    if value is None and NoneType in get_args(kind):
        return
    if not isinstance(value, Mapping):
        says = f"fields of {plain.__name__} are needed here, not {str(value)[:60]!r}"
        yield Problem(path, says, "wrong-evidence")
        return
    fields = fields_of(plain)
    for name, each in value.items():
        if name in fields:
            yield from _misfits((*path, name), fields[name], each)
        else:
            says = f"{plain.__name__} has no field {name!r}"
            yield Problem((*path, name), says, "wrong-evidence", nearest(str(name), fields), on_key=True)


def _inputs(path: Path, runbook: Runbook, test: Test) -> Iterator[Problem]:
    for name, value in test.inputs.items():
        if name not in runbook.inputs:
            yield _absent((*path, name), "input", name, runbook.inputs, on_key=True)
            continue
        try:
            read(runbook.inputs[name], value)
        except ValueError as error:
            yield Problem((*path, name), str(error), "wrong-evidence")


def _expected(path: Path, runbook: Runbook, expected: Expect) -> Iterator[Problem]:
    causes = [cause.id for cause in runbook.causes]
    if expected.cause is not None and expected.cause not in causes:
        yield _absent((*path, "cause"), "cause", expected.cause, causes)
    for key, named in (("causes", expected.causes), ("undecided", expected.undecided)):
        for place, cause in enumerate(named or ()):
            if cause not in causes:
                yield _absent((*path, key, place), "cause", cause, causes)
    for place, remedy in enumerate(expected.remedies):
        if remedy not in runbook.remedies:
            yield _absent((*path, "remedy", place), "remedy", remedy, runbook.remedies)
    yield from _parameters((*path, "with"), runbook, expected)


def _parameters(path: Path, runbook: Runbook, expected: Expect) -> Iterator[Problem]:
    """`with` speaks of the first action of the first remedy."""
    remedy = runbook.remedies.get(expected.remedies[0]) if expected.remedies else None
    use = next((step.use for step in remedy.each_step if step.use is not None), None) if remedy else None
    if use is None:
        return
    try:
        known = of_remediation(use).parameters
    except UnknownAction:
        return  # told where it stands
    for name in expected.parameters or ():
        if name not in known:
            says = f"{use} has no parameter {name!r}"
            yield Problem((*path, name), says, "unknown-parameter", nearest(name, known), on_key=True)


def _absent(path: Path, what: str, name: str, names: Iterable[str], *, on_key: bool = False) -> Problem:
    return Problem(path, f"there is no {what} {name!r}", _NOTHING, nearest(name, names), on_key=on_key)
