"""The lint rules of policies."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.policy_lint import lint_policy
from bot.runbook.language.positioned_document import read

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

FREEZES = """\
freezes:
  - name: sale
    reason: the busiest weekend
    shards: [orders*, paymints]
    from: 2026-02-27
    to: 2026-03-01
  - name: sale
    reason: nobody is on call
    weekly: {days: [sat], from: 22:00, to: 08:00}
"""


def lint(text: str, *shards: str) -> list[tuple[str, int, int]]:
    return [(each.rule, each.line, each.column) for each in lint_policy(read(text, "policy.yml"), shards, NOW)]


def test_each_rule_reports_its_violation_at_its_position():
    assert lint(FREEZES, "orders-1", "payments") == [
        ("unknown-shard", 4, 23),
        ("past-freeze", 6, 9),
        ("duplicate-freeze", 7, 11),
    ]


def test_without_an_inventory_shard_patterns_are_not_checked():
    assert (
        lint(FREEZES.replace("2026-03-01", "2026-03-02").replace("name: sale\n    reason: n", "name: n\n    reason: n"))
        == []
    )


def test_only_schema_errors_are_reported_for_an_invalid_policy():
    assert lint("freezes: []\nbudget: {}\n") == [("unknown-key", 2, 1)]


def test_the_default_policy_has_no_findings():
    assert lint("") == []
