"""anchor-or-alias: the file uses a YAML anchor, alias or merge key."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "anchor-or-alias"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The file uses a YAML anchor, alias or merge key.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
notes: &text See the manual.
""",
    reported_by="bot.runbook.language.positioned_document",
)
