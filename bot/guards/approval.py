"""Asks for approvals; refuses a plan that was denied, has expired or lacks approvals.

bot.guards.approver_eligibility decides before which approvals count: the facts hold these as `approvers`, and the
others with their reasons as `discounted`.
"""

from __future__ import annotations

from bot.guards.facts import NEW_PLAN, Answer, Facts, Stage, Verdict, mention


def judge(facts: Facts) -> Verdict:
    """Passes with enough approvals that count; a denial or an expiry refuses."""
    if facts.denied_by is not None:
        return Verdict("approval", Answer.REFUSE, f"{mention(facts.denied_by)} denied the plan.")
    if facts.expires_at is not None and facts.now >= facts.expires_at:
        says = f"The approval request expired at {facts.expires_at:%H:%M:%S} UTC. {NEW_PLAN}"
        return Verdict("approval", Answer.REFUSE, says)
    have, need = len(set(facts.approvers)), facts.approvals_needed
    if have >= need:
        people = ", ".join(map(mention, dict.fromkeys(facts.approvers)))
        return Verdict("approval", Answer.PASS, f"Approved by {people}." if people else "No approval is needed.")
    discounted = f" Not counted: {' '.join(facts.discounted)}" if facts.discounted else ""
    missing = f"{need - have}{' more' if have else ''} approver{'s' if need - have > 1 else ''}"
    says = (
        f"The plan has {have} of {need} required approvals.{discounted} {missing} besides the requester must approve."
    )
    answer = Answer.ASK if facts.stage is Stage.BEFORE_ASKING else Answer.REFUSE
    return Verdict("approval", answer, says)
