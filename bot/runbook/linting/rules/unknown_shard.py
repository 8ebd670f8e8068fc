"""unknown-shard: a shard pattern of a policy matches no shard in the inventory."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "unknown-shard"

RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="A shard pattern of a policy matches no shard in the inventory.",
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
    shards: [ordres-*]
    from: 2026-11-27
    to: 2026-11-30
""",
    reported_by="bot.policy_lint",
)
