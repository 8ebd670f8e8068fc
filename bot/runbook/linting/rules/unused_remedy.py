"""unused-remedy: no cause offers a remedy."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.name_usage import corrected
from bot.runbook.linting.rule import Rule, Severity

ID = "unused-remedy"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks for every remedy in the causes; a misspelt name, reported by unknown-remedy, counts as the closest one."""
    remedies = analysis.runbook.remedies
    offered = corrected((name for cause in analysis.runbook.causes for name in cause.remedies), remedies)
    for name in remedies:
        if name not in offered:
            yield Problem(("remedies", name), f"No cause offers the remedy {name!r}", ID, on_key=True)


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="No cause offers a remedy.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
    remedy: repair
remedies:
  repair: {use: mysql.start_replica}
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
remedies:
  repair: {use: mysql.start_replica}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    check=check,
)
