"""wrong-matcher: an alternative of `match` does not follow Alertmanager's matcher syntax."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "wrong-matcher"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="An alternative of `match` does not follow Alertmanager's matcher syntax.",
    passing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
match:
  - alertname = "ReplicaLag"
""",
    failing="""\
gather:
  replica: {use: mysql.replica_status, show: true}
match:
  - alertname
""",
    reported_by="bot.runbook.language.schema_validation",
)
