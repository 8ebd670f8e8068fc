"""Refuses changes while the roles in a shard are in doubt, and of kinds of servers that the runbook does not name."""

from __future__ import annotations

from bot.guards.facts import NEW_PLAN, Answer, Facts, Place, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes only when the servers confirm the inventory's roles, and each is still the server of the plan."""
    if not facts.places:
        return Verdict("target", Answer.REFUSE, f"The plan names no server. {NEW_PLAN}")
    refused = [says for says in map(_refusal, facts.places) if says]
    if refused:
        return Verdict("target", Answer.REFUSE, " ".join(refused))
    says = "; ".join(f"{p.target} is a {p.server_role.value}: {p.server_says}" for p in facts.places if p.server_role)
    return Verdict("target", Answer.PASS, says)


def _refusal(place: Place) -> str:
    if place.inventory_role is None:
        name = place.target or "the target"
        return f"The inventory does not contain {name}. Add it to firstmate.yml and restart Firstmate."
    if place.doubts:
        return f"{place.target} may not be what the inventory says: {place.doubts}"
    if place.disagreement:
        return (
            f"{place.disagreement} Nothing is changed in the shard while its primary is in doubt. Complete the "
            "failover, or correct `role` in firstmate.yml and restart Firstmate; then press Try again."
        )
    if place.server_role is None:
        return f"The role of {place.target} is unknown: {place.server_says}"
    if place.server_role is not place.inventory_role:
        correct = (
            "wait until Firstmate has read the topology again, then press Try again"
            if place.from_topology
            else "correct `role` in firstmate.yml and restart Firstmate"
        )
        return (
            f"The inventory says that {place.target} is a {place.inventory_role.value}, "
            f"the server says {place.server_role.value} ({place.server_says}). "
            f"A failover may have happened: {correct}."
        )
    if place.kind_says:
        return f"{place.kind_says} Nothing is changed on {place.target}."
    if place.server != place.planned_server:
        return (
            f"A different server now answers at {place.target} ({place.server}, planned for {place.planned_server}). "
            f"Check what was replaced. {NEW_PLAN}"
        )
    return ""
