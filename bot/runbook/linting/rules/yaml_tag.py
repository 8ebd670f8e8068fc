"""yaml-tag: a value has a YAML tag."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "yaml-tag"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A value has a YAML tag.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
notes: !!str See the manual.
""",
    reported_by="bot.runbook.language.positioned_document",
)
