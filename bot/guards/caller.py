"""Refuses a caller who does not hold the role that the request needs."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes callers whom the directory knows as operators; refuses all others."""
    answer = Answer.PASS if facts.caller_may_ask else Answer.REFUSE
    return Verdict("caller", answer, facts.caller_says)
