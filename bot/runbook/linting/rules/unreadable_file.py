"""unreadable-file: the file or its folder cannot be read."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "unreadable-file"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The file or its folder cannot be read.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="",
    reported_by="bot.runbook.language.runbook_files",
)
