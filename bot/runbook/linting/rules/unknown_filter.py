"""unknown-filter: a filter or test does not exist."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-filter"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A filter or test does not exist.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.delay | duration }}'
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.delay | minutes }}'
""",
    reported_by="bot.runbook.expressions.syntax",
)
