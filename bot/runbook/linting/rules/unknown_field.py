"""unknown-field: an expression reads a field that the evidence does not have."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-field"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An expression reads a field that the evidence does not have.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delay > 30', show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.delays > 30', show: true}
""",
    reported_by="bot.runbook.expressions.type_check",
)
