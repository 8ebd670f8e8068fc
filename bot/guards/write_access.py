"""Refuses changes of servers for which no user with write access is configured."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when a user with write access is configured for each of the servers."""
    only_read = [place.target for place in facts.places if not place.may_change]
    if not only_read:
        return Verdict("write_access", Answer.PASS, "A user with write access is configured.")
    says = (
        f"{', '.join(only_read)} is read-only for Firstmate: no `changer` is configured. /runbook plan shows the "
        "statements for a person to run."
    )
    return Verdict("write_access", Answer.REFUSE, says)
