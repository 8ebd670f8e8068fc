"""too-deep: values are nested too deeply."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "too-deep"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Values are nested too deeply.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
notes: [[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]
""",
    reported_by="bot.runbook.language.positioned_document",
)
