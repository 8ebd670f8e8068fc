"""expression-syntax: an expression or template has a syntax error."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "expression-syntax"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An expression or template has a syntax error.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.delay }}'
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
shows:
  Replica: '{{ replica.delay + }}'
""",
    reported_by="bot.runbook.expressions.syntax",
)
