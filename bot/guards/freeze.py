"""Refuses everything while a freeze of the policy holds for the shard."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes outside of freezes; says what the freeze is for, and when it ends."""
    if facts.frozen is None:
        return Verdict("freeze", Answer.PASS, f"No freeze holds for {facts.shard}.")
    until = facts.frozen.until.strftime("%Y-%m-%d %H:%M %Z")
    says = f"{facts.shard} is frozen until {until} by {facts.frozen.name!r} of the policy ({facts.frozen.reason})."
    return Verdict("freeze", Answer.REFUSE, says)
