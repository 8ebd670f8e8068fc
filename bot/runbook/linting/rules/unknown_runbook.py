"""unknown-runbook: a remedy or a cause refers to a runbook, remedy or input that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.inputs import read_value
from bot.runbook.language.remedy_schema import RemedyStep
from bot.runbook.language.schema import Continuation, Runbook
from bot.runbook.language.signatures import suggestion_for
from bot.runbook.linting.rule import Rule, RunbookFile, Severity

ID = "unknown-runbook"


def check_library(files: Sequence[RunbookFile], known: Mapping[str, Runbook]) -> Iterator[tuple[RunbookFile, Problem]]:
    """Looks up what remedy steps that run another runbook, and causes that go on with another one, refer to."""
    for file in files:
        for number, cause in enumerate(file.runbook.causes):
            if cause.continue_ is not None:
                for problem in _check_continuation(("causes", number, "continue"), cause.continue_, known):
                    yield file, problem
        for name, remedy in file.runbook.remedies.items():
            for number, step in enumerate(remedy.each_step):
                path: Path = ("remedies", name, *(("steps", number) if remedy.steps else ()))
                for problem in _check_step(path, step, known):
                    yield file, problem


def _check_step(path: Path, step: RemedyStep, known: Mapping[str, Runbook]) -> Iterator[Problem]:
    if step.runbook is None:
        return
    other = known.get(step.runbook)
    if other is None:
        suggestion = suggestion_for(step.runbook, known)
        yield Problem((*path, "runbook"), f"Unknown runbook {step.runbook!r}", ID, suggestion)
        return
    if step.remedy is not None and step.remedy not in other.remedies:
        message = f"Runbook {step.runbook!r} has no remedy {step.remedy!r}"
        yield Problem((*path, "remedy"), message, ID, suggestion_for(step.remedy, other.remedies))
    yield from _unknown_inputs(path, step.parameters, other)


def _check_continuation(path: Path, going_on: Continuation, known: Mapping[str, Runbook]) -> Iterator[Problem]:
    """Finds an unknown runbook, inputs that it does not have or cannot read, and inputs that nothing gives it."""
    other = known.get(going_on.runbook)
    if other is None:
        message = f"Unknown runbook {going_on.runbook!r}"
        yield Problem(path, message, ID, suggestion_for(going_on.runbook, known))
        return
    yield from _unknown_inputs(path, going_on.parameters, other)
    for name, declared in other.inputs.items():
        value = going_on.parameters.get(name)
        if value is None and declared.default is None and declared.label is None:
            message = f"Runbook {other.runbook!r} requires the input {name!r}"
            yield Problem(path, message, ID, "give it under `with`")
        if value is None or (isinstance(value, str) and "{{" in value):
            continue
        try:
            read_value(declared, value)
        except ValueError as error:
            yield Problem((*path, "with", name), f"Runbook {other.runbook!r}, input {name!r}: {error}", ID)


def _unknown_inputs(path: Path, given: Iterable[str], other: Runbook) -> Iterator[Problem]:
    for name in given:
        if name not in other.inputs:
            message = f"Runbook {other.runbook!r} has no input {name!r}"
            yield Problem((*path, "with", name), message, ID, suggestion_for(name, other.inputs), on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A remedy or a cause refers to a runbook, remedy or input that does not exist.",
    passing="""\
# FILE team/other.yml
runbook: team/other
title: Replica lag
owner: datastores
inputs:
  limit: {type: seconds, default: 30s}
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > inputs.limit', show: true}
# FILE team/lag.yml
runbook: team/lag
title: Replica lag
owner: datastores
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {runbook: team/other, with: {limit: 60s}}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    failing="""\
# FILE team/other.yml
runbook: team/other
title: Replica lag
owner: datastores
inputs:
  limit: {type: seconds, default: 30s}
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > inputs.limit', show: true}
# FILE team/lag.yml
runbook: team/lag
title: Replica lag
owner: datastores
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {runbook: team/other, with: {limits: 60s}}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    check_library=check_library,
)
