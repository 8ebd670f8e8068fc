"""may-be-null: an operand may be NULL, in which case the expression cannot be evaluated."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "may-be-null"

RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="An operand may be NULL, in which case the expression cannot be evaluated.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.lag is known and replica.lag > 30', show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.lag > 30', show: true}
""",
    reported_by="bot.runbook.expressions.type_check",
)
