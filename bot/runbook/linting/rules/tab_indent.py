"""tab-indent: a line is indented with a tab; YAML allows spaces only."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "tab-indent"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A line is indented with a tab; YAML allows spaces only.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
	replica: mysql.replica_status
""",
    reported_by="bot.runbook.language.positioned_document",
)
