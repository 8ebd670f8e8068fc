"""second-document: the file contains more than one YAML document."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "second-document"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The file contains more than one YAML document.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
---
notes: See the manual.
""",
    reported_by="bot.runbook.language.positioned_document",
)
