"""wrong-parameter: an argument does not fit the type of its parameter."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.language.signatures import coerce
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.argument_types import argument_mismatch
from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-parameter"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Converts every constant argument, and compares the type of every expression, to the parameter's type."""
    for argument in analysis.arguments:
        if argument.type is None:
            try:
                coerce(argument.annotation, argument.value)
            except ValueError as error:
                yield Problem(argument.path, f"Invalid value of parameter {argument.name!r}: {error}", ID)
        elif (mismatch := argument_mismatch(argument)) is not None and mismatch.rule == ID:
            yield Problem(argument.path, mismatch.message, ID)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An argument does not fit the type of its parameter.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {use: mysql.start_replica, with: {thread: applier}}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {use: mysql.start_replica, with: {thread: sql}}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    check=check,
)
