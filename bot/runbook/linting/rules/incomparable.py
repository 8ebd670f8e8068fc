"""incomparable: values of different types are compared; they are never equal and have no order."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "incomparable"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Values of different types are compared; they are never equal and have no order.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > 30', show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > "30s"', show: true}
""",
    reported_by="bot.runbook.expressions.type_check",
)
