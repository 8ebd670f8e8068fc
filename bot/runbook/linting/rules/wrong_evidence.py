"""wrong-evidence: the evidence or an input of a test does not fit its type."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args

from bot.runbook.expressions.names import evidence_types
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.inputs import read_value
from bot.runbook.language.signatures import bare, coerce, fields_of, item_of, suggestion_for
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-evidence"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Converts the evidence and the inputs of every test to their declared types; unknown names are test-of-nothing."""
    types, inputs = evidence_types(analysis.runbook), analysis.runbook.inputs
    for number, test in enumerate(analysis.runbook.tests):
        path: Path = ("tests", number)
        for step, evidence in test.given.items():
            if step in types:
                yield from _misfits((*path, "given", step), types[step], evidence)
        for name, value in test.inputs.items():
            if name in inputs:
                try:
                    read_value(inputs[name], value)
                except ValueError as error:
                    yield Problem((*path, "inputs", name), f"Invalid value of input {name!r}: {error}", ID)


def _misfits(path: Path, annotation: Any, value: object) -> Iterator[Problem]:  # noqa: ANN401 - evidence of any type
    """Yields the parts of a value that do not fit the type, each at its own path."""
    item, plain = item_of(annotation), bare(annotation)
    if item is not None and isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _misfits((*path, index), item, each)
    elif isinstance(plain, type) and dataclasses.is_dataclass(plain):
        yield from _misfits_of_record(path, annotation, plain, value)
    else:
        try:
            coerce(annotation, value)
        except ValueError as error:
            yield Problem(path, f"Invalid evidence: {error}", ID)


def _misfits_of_record(path: Path, annotation: Any, plain: type, value: object) -> Iterator[Problem]:  # noqa: ANN401
    if value is None and NoneType in get_args(annotation):
        return
    if not isinstance(value, Mapping):
        yield Problem(path, f"Expected a mapping with fields of {plain.__name__}, got {str(value)[:60]!r}", ID)
        return
    fields = fields_of(plain)
    for name, each in value.items():
        if name in fields:
            yield from _misfits((*path, name), fields[name], each)
        else:
            message = f"{plain.__name__} has no field {name!r}"
            yield Problem((*path, name), message, ID, suggestion_for(str(name), fields), on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The evidence or an input of a test does not fit its type.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - given: {replica: {configured: true, delay: soon}}
    expect: {cause: broken}
""",
    check=check,
)
