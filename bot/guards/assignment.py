"""Refuses changes while a person works on the incident and has not approved the plan."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Stage, Verdict, mention


def judge(facts: Facts) -> Verdict:
    """Passes when nobody took the incident, or when the person who took it approved this plan."""
    if facts.taken_by is None:
        return Verdict("assignment", Answer.PASS, "Nobody has taken this incident.")
    who = mention(facts.taken_by)
    if facts.taken_by in facts.approvers:
        return Verdict("assignment", Answer.PASS, f"{who} took this incident and approved the plan.")
    says = f"{who} took this incident and must approve the plan or press Hand back."
    # Before anybody was asked, the approval is only missing; just before the change, a missing approval refuses.
    answer = Answer.ASK if facts.stage is Stage.BEFORE_ASKING else Answer.REFUSE
    return Verdict("assignment", answer, says)
