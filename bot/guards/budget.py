"""Refuses more changes within an hour than the policy allows: of one action, in one shard, and on the whole fleet."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when no budget would be exceeded; names every budget that would be."""
    over = [each for each in facts.budgets if each.spent + each.planned > each.limit]
    if not over:
        left = min((each.limit - each.spent - each.planned for each in facts.budgets), default=None)
        says = (
            "The policy sets no budget."
            if left is None
            else f"After this plan, {left} more {'change is' if left == 1 else 'changes are'} allowed within one hour."
        )
        return Verdict("budget", Answer.PASS, says)
    told = "; ".join(f"{each.what}: {each.spent} made, {each.planned} planned, {each.limit} allowed" for each in over)
    says = (
        f"The plan would exceed the number of changes that the policy allows within one hour ({told}). Wait, or raise "
        "`budgets` in policy.yml."
    )
    return Verdict("budget", Answer.REFUSE, says)
