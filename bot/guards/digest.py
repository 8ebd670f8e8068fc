"""Refuses a plan that is not the approved one."""

from __future__ import annotations

from bot.guards.facts import NEW_PLAN, Answer, Facts, Stage, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes before the change only when the plan as made now has the approved digest."""
    if facts.stage is Stage.BEFORE_ASKING:
        return Verdict("digest", Answer.PASS, "An approval applies to exactly this plan.")
    if facts.approved_digest == facts.plan_digest:
        return Verdict("digest", Answer.PASS, "The plan is the approved one.")
    if facts.approved_digest is None:
        return Verdict("digest", Answer.REFUSE, f"No plan was approved. {NEW_PLAN}")
    says = f"The plan changed after it was approved: the server's state is different now. {NEW_PLAN}"
    return Verdict("digest", Answer.REFUSE, says)
