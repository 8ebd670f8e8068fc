"""wrong-value: a value has the wrong type or is out of range."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-value"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A value has the wrong type or is out of range.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
autonomy: suggest
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
autonomy: never
""",
    reported_by="bot.runbook.language.schema_validation",
)
