"""duplicate-key: a mapping contains the same key twice."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "duplicate-key"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A mapping contains the same key twice.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
owner: somebody else
""",
    reported_by="bot.runbook.language.positioned_document",
)
