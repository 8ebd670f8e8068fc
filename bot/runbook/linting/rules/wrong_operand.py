"""wrong-operand: an arithmetic operator has an operand that is not a number."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-operand"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An arithmetic operator has an operand that is not a number.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.delay + 1 }}'
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.channel - 1 }}'
""",
    reported_by="bot.runbook.expressions.type_check",
)
