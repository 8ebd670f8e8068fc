"""Refuses to work against the manager of a shard's topology: what VTOrc repairs, nobody else touches meanwhile."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes where nobody manages the topology, or who does has nothing to do here, or had its time and did not."""
    repair = facts.repair
    if repair is None:
        return Verdict("topology_repair", Answer.PASS, "No manager of the topology looks after it.")
    if repair.unknown:
        return Verdict(
            "topology_repair",
            Answer.REFUSE,
            f"Whether {repair.by} is repairing {facts.shard} cannot be told: {repair.unknown}",
        )
    if repair.repaired:
        return Verdict(
            "topology_repair", Answer.REFUSE, f"{repair.repaired} There is nothing left to approve; look again."
        )
    if repair.doing:
        return Verdict(
            "topology_repair",
            Answer.REFUSE,
            f"{repair.by} is repairing {facts.shard}: {repair.doing}. Nothing is changed against it; look at the shard "
            "once it is done.",
        )
    return Verdict("topology_repair", Answer.PASS, repair.says)
