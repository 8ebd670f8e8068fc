"""unknown-remedy: a cause offers a remedy that is not defined."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.language.signatures import suggestion_for
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-remedy"


def check(analysis: Analysis) -> Iterator[Problem]:
    """Looks up the remedies of every cause."""
    remedies = analysis.runbook.remedies
    for number, cause in enumerate(analysis.runbook.causes):
        for index, name in enumerate(cause.remedies):
            if name not in remedies:
                path = ("causes", number, "remedy", index)
                yield Problem(path, f"Unknown remedy {name!r}", ID, suggestion_for(name, remedies))


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A cause offers a remedy that is not defined.",
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
    remedy: [repair, repear]
remedies:
  repair: {use: mysql.start_replica}
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken, remedy: repair}
""",
    check=check,
)
