"""forbidden-expression: an expression uses a call, a statement, a power or a private name."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "forbidden-expression"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An expression uses a call, a statement, a power or a private name.",
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
  Replica: '{{ round(replica.delay) }}'
""",
    reported_by="bot.runbook.expressions.syntax",
)
