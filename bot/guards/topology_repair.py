"""Refuses changes in a shard that the manager of its topology, VTOrc, is repairing."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes without a topology manager, and when the manager has nothing to repair or did not repair it in time."""
    repair = facts.repair
    if repair is None:
        return Verdict("topology_repair", Answer.PASS, "No topology manager is configured for this shard.")
    if repair.unknown:
        return Verdict(
            "topology_repair",
            Answer.REFUSE,
            f"Firstmate cannot tell whether {repair.by} is repairing {facts.shard}: {repair.unknown}",
        )
    if repair.repaired:
        return Verdict(
            "topology_repair",
            Answer.REFUSE,
            f"{repair.repaired} Nothing is left to approve. If the problem persists, run the runbook again.",
        )
    if repair.doing:
        return Verdict(
            "topology_repair",
            Answer.REFUSE,
            f"{repair.by} is repairing {facts.shard}: {repair.doing}. Firstmate makes no change until the repair "
            "ends. Check the shard then.",
        )
    return Verdict("topology_repair", Answer.PASS, repair.says)
