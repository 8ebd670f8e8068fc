"""always-true: a condition is always true."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "always-true"

RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="A condition is always true.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.applier_running == "Yes"', show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.applier_running', show: true}
""",
    reported_by="bot.runbook.expressions.type_check",
)
