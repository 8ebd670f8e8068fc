"""Refuses a second change in a shard while another one is under way."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when no other run holds the lease of the shard."""
    if facts.holder is None:
        return Verdict("shard_lease", Answer.PASS, f"No other change is running in {facts.shard}.")
    until = f" until {facts.holder_until:%H:%M:%S} UTC at the latest" if facts.holder_until else ""
    says = f"Run {facts.holder} is changing {facts.shard}{until}. Wait until it ends, then press Try again."
    return Verdict("shard_lease", Answer.REFUSE, says)
