"""never-equal: a value is compared with a literal that is not one of its possible values."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "never-equal"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A value is compared with a literal that is not one of its possible values.",
    passing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.receiver_running == "Yes"', show: true}
""",
    failing="""\
gather:
  replica: mysql.replica_status
  use: {use: mysql.connection_use, when: 'replica.receiver_running == "yes"', show: true}
""",
    reported_by="bot.runbook.expressions.type_check",
)
