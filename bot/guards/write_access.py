"""Refuses servers that no user may change: there Firstmate only reads."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes where the configuration names a user that may change each of the servers."""
    only_read = [place.target for place in facts.places if not place.may_change]
    if not only_read:
        return Verdict("write_access", Answer.PASS, "A user that may change is configured.")
    says = (
        f"Firstmate only reads {', '.join(only_read)}: no `changer` is configured there. `/runbook plan` shows the "
        "statements, for a person to run."
    )
    return Verdict("write_access", Answer.REFUSE, says)
