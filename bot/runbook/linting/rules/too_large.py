"""too-large: the file exceeds the size limit or contains too many values."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "too-large"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The file exceeds the size limit or contains too many values.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="",
    reported_by="bot.runbook.language.positioned_document",
)
