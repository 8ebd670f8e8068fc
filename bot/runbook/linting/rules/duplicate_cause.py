"""duplicate-cause: two causes have the same id."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "duplicate-cause"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Yields every cause whose id an earlier cause has."""
    seen: set[str] = set()
    for number, cause in enumerate(analysis.runbook.causes):
        if cause.id in seen:
            yield Problem(("causes", number, "id"), f"Cause {cause.id!r} is already defined", ID)
        seen.add(cause.id)


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Two causes have the same id.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
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
  replica: {use: mysql.replica_status, show: true}
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
  - id: broken
    when: replica.delay > 60
    says: The replica is late.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    check=check,
)
