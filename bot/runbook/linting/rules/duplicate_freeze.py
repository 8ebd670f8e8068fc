"""duplicate-freeze: two freezes of a policy have the same name."""

from __future__ import annotations

from bot.runbook.linting.rule import Rule, Severity

ID = "duplicate-freeze"

RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="Two freezes of a policy have the same name.",
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
    from: 2026-11-27
    to: 2026-11-30
  - name: sale
    reason: nobody is on call
    weekly: {days: [sat], from: 22:00, to: 08:00}
""",
    reported_by="bot.policy_lint",
)
