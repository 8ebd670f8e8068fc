"""Refuses the same action in the same shard again too soon, or too often: what did not help is looked at first."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes when no other run made the same action in the shard within its cooldown, nor again and again.

    An acknowledgement ends both, and who broke the glass overrides both.
    """
    if facts.earlier is None and facts.flapping is None:
        return Verdict("cooldown", Answer.PASS, f"Nothing of this was done in {facts.shard} a short while ago.")
    says = _says(facts)
    if facts.override is not None:
        return Verdict("cooldown", Answer.PASS, f"{facts.override} {says}")
    return Verdict("cooldown", Answer.REFUSE, f"{says} /mate ack {facts.shard} ends the wait.")


def _says(facts: Facts) -> str:
    flaps, before = facts.flapping, facts.earlier
    if flaps is not None:
        return (
            f"{flaps.action} was made {flaps.times} times in {facts.shard} within {flaps.within / 3600:g} h, and the "
            "trouble came back each time. Look for what brings it back."
        )
    assert before is not None
    return (
        f"Run {before.run} made {before.action} in {facts.shard} at {before.at:%H:%M:%S} UTC already; it may be made "
        f"again from {before.until:%H:%M:%S} UTC on. Look why it was not enough."
    )
