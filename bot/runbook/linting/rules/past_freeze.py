"""past-freeze: a freeze of a policy has ended."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "past-freeze"

RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="A freeze of a policy has ended.",
    passing="""\
freezes:
  - name: sale
    reason: the busiest weekend
    shards: [orders-*]
    from: 2026-11-27
    to: 2026-11-30
""",
    failing="""\
freezes:
  - name: sale
    reason: the busiest weekend
    shards: [orders-*]
    from: 2025-11-27
    to: 2025-11-30
""",
    reported_by="bot.policy_lint",
)
