"""Refuses more changes within an hour than the policy allows: of one action, in one shard, and on the whole fleet."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when no budget would be exceeded; names every one that would."""
    over = [each for each in facts.budgets if each.spent + each.planned > each.limit]
    if not over:
        left = min((each.limit - each.spent - each.planned for each in facts.budgets), default=None)
        says = "No budget is set." if left is None else f"{left} more changes are left of the tightest budget after it."
        return Verdict("budget", Answer.PASS, says)
    told = "; ".join(f"{each.what}: {each.spent} made, {each.planned} planned, {each.limit} allowed" for each in over)
    says = f"It would exceed the changes that the policy allows within an hour ({told}). Wait, or make it by hand."
    return Verdict("budget", Answer.REFUSE, says)
