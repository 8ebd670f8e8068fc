"""Refuses the same action in the same shard too soon or too often: it did not help, so a person investigates first."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when no other run used the same action in the shard within its cooldown, and it is not flapping.

    An acknowledgement ends both, and break-glass overrides both.
    """
    if facts.earlier is None and facts.flapping is None:
        return Verdict(
            "cooldown", Answer.PASS, f"No other run used these actions in {facts.shard} within the cooldown."
        )
    says = _says(facts)
    if facts.override is not None:
        return Verdict("cooldown", Answer.PASS, f"{facts.override} {says}")
    ends = "resets the count" if facts.flapping is not None else "ends the cooldown"
    instead = (
        f"Once you have done so, /mate ack {facts.shard} {ends}; /mate break-glass RUN REASON overrides it for one run."
    )
    return Verdict("cooldown", Answer.REFUSE, f"{says} {instead}")


def _says(facts: Facts) -> str:
    flaps, before = facts.flapping, facts.earlier
    if flaps is not None:
        return (
            f"{flaps.action} ran {flaps.times} times in {facts.shard} within {flaps.within / 3600:g} h, and the "
            "problem returned each time. Investigate why it returns."
        )
    assert before is not None
    return (
        f"Run {before.run} used {before.action} in {facts.shard} at {before.at:%H:%M:%S} UTC. Its cooldown ends at "
        f"{before.until:%H:%M:%S} UTC. Investigate why the change did not suffice."
    )
