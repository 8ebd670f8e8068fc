"""Refuses to work beside a person: who took the incident decides alone what Firstmate still does."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Stage, Verdict, mention


def judge(facts: Facts) -> Verdict:
    """Passes where nobody took the incident, or who did has approved this very plan."""
    if facts.taken_by is None:
        return Verdict("assignment", Answer.PASS, "Nobody works on it by hand.")
    who = mention(facts.taken_by)
    if facts.taken_by in facts.approvers:
        return Verdict("assignment", Answer.PASS, f"{who} works on it, and approved it.")
    says = f"{who} works on it by hand; it takes their approval, or that they hand it back."
    # Before anybody was asked their approval is only missing; just before the change it is a no.
    answer = Answer.ASK if facts.stage is Stage.BEFORE_ASKING else Answer.REFUSE
    return Verdict("assignment", answer, says)
