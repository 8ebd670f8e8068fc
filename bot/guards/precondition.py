"""Refuses the plan if the action's own `check` refuses it."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when the precondition of the action holds on every server."""
    refused = [place.check_says for place in facts.places if place.check_says is not None]
    if not refused:
        where = "the server" if len(facts.places) == 1 else f"all {len(facts.places)} servers"
        return Verdict("precondition", Answer.PASS, f"The precondition of the action holds on {where}.")
    return Verdict("precondition", Answer.REFUSE, " ".join(refused))
