"""unknown-name: an expression reads a name that is not defined."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-name"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An expression reads a name that is not defined.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.configured', show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
  use: {use: mysql.connection_use, when: 'replika.configured', show: true}
""",
    reported_by="bot.runbook.expressions.type_check",
)
