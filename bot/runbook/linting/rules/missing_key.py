"""missing-key: a mapping lacks a required key."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "missing-key"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A mapping lacks a required key.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
causes:
  - id: broken
    when: replica.configured
    says: Replication is broken.
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: broken
    when: replica.configured
tests:
  - given: {replica: {configured: true}}
    expect: {cause: broken}
""",
    reported_by="bot.runbook.language.schema_validation",
)
