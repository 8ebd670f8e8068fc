"""Refuses to take replicas out of service below the serving floor."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when enough replicas stay in service, also for the acknowledgements of semi-synchronous replication."""
    floor = facts.floor
    if floor is None:
        return Verdict("serving_floor", Answer.PASS, "The plan takes no replica out of service.")
    if floor.stranger:
        return Verdict("serving_floor", Answer.REFUSE, floor.stranger)
    left = floor.serving - floor.taken_out
    what = f"{floor.serving} replicas of {facts.shard} serve; the plan takes {floor.taken_out} out of service"
    if left < floor.least:
        says = f"{what}; {floor.least} must stay ({floor.why}). Repair another replica first."
        return Verdict("serving_floor", Answer.REFUSE, says)
    return Verdict("serving_floor", Answer.PASS, f"{what}; {floor.least} must stay.")
