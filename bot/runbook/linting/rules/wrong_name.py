"""wrong-name: a name is malformed or reserved."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-name"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A name is malformed or reserved.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  target: {use: mysql.replica_status, show: true}
""",
    reported_by="bot.runbook.language.schema_validation",
)
