"""Refuses what the action's own check refuses."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when the action found on the server what it needs to find."""
    if facts.check_says is None:
        return Verdict("check", Answer.PASS, "The action's own check passed on the server.")
    return Verdict("check", Answer.REFUSE, facts.check_says)
