"""Refuses to take out replicas that the shard cannot do without."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes while enough replicas go on serving, and enough acknowledge where replication is semi-synchronous."""
    floor = facts.floor
    if floor is None:
        return Verdict("serving_floor", Answer.PASS, "It takes no replica out of service.")
    if floor.stranger:
        return Verdict("serving_floor", Answer.REFUSE, floor.stranger)
    left = floor.serving - floor.taken_out
    what = f"{floor.serving} replicas of {facts.shard} serve, and it takes {floor.taken_out} out"
    if left < floor.least:
        says = f"{what}; {floor.least} must stay ({floor.why}). Mend another replica first."
        return Verdict("serving_floor", Answer.REFUSE, says)
    return Verdict("serving_floor", Answer.PASS, f"{what}; {floor.least} must stay.")
