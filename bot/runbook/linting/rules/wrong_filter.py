"""wrong-filter: a filter or test is applied to a type, or with arguments, that it does not accept."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-filter"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A filter or test is applied to a type, or with arguments, that it does not accept.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.delay | round }}'
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.channel | round }}'
""",
    reported_by="bot.runbook.expressions.type_check",
)
