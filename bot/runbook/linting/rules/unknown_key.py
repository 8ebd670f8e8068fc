"""unknown-key: a mapping has a key that the schema does not define."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-key"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A mapping has a key that the schema does not define.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
notes: See the manual.
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
note: See the manual.
""",
    reported_by="bot.runbook.language.schema_validation",
)
