"""Refuses the same action in the same shard again too soon: what did not help once is looked at, not repeated."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when no other run made the same action in the shard within its cooldown, or somebody acknowledged it."""
    if facts.earlier is None:
        return Verdict("cooldown", Answer.PASS, f"Nothing of this was done in {facts.shard} a short while ago.")
    before = facts.earlier
    says = (
        f"Run {before.run} made {before.action} in {facts.shard} at {before.at:%H:%M:%S} UTC already; it may be made "
        f"again from {before.until:%H:%M:%S} UTC on. Look why it was not enough; /mate ack {facts.shard} ends the wait."
    )
    return Verdict("cooldown", Answer.REFUSE, says)
