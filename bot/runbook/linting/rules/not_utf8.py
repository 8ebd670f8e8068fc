"""not-utf8: the file is not encoded in UTF-8."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "not-utf8"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The file is not encoded in UTF-8.",
    passing="""\
# café
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="",
    reported_by="bot.runbook.language.positioned_document",
)
