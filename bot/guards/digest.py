"""Refuses a plan that is not the approved one."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Stage, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes before the change only when the plan as made now has the approved digest."""
    if facts.stage is Stage.BEFORE_ASKING:
        return Verdict("digest", Answer.PASS, f"Plan {facts.plan_digest[:12]}.")
    if facts.approved_digest == facts.plan_digest:
        return Verdict("digest", Answer.PASS, f"Plan {facts.plan_digest[:12]} is the approved plan.")
    says = (
        f"The plan changed since it was approved (approved {(facts.approved_digest or 'none')[:12]}, "
        f"now {facts.plan_digest[:12]}); ask for a new plan."
    )
    return Verdict("digest", Answer.REFUSE, says)
