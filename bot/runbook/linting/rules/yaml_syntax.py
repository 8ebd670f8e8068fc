"""yaml-syntax: the file is not valid YAML."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "yaml-syntax"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="The file is not valid YAML.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather: {replica: mysql.replica_status
""",
    reported_by="bot.runbook.language.positioned_document",
)
