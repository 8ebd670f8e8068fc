"""Refuses a target on which the inventory and the server disagree."""

from __future__ import annotations

from bot.guards.facts import Answer, Facts, Verdict


def judge(facts: Facts) -> Verdict:
    """Passes only when the server itself confirms the inventory's role and is still the server that was planned for."""
    if facts.inventory_role is None:
        return _refuse(f"The inventory does not know {facts.target or 'the target'}; add it, then ask again.")
    if facts.server_role is None:
        return _refuse(f"The role of {facts.target} could not be read from the server: {facts.server_says}")
    if facts.server_role is not facts.inventory_role:
        return _refuse(
            f"The inventory says that {facts.target} is a {facts.inventory_role.value}, "
            f"the server says {facts.server_role.value} ({facts.server_says}). "
            "Somebody may have failed over: correct the inventory, then ask again."
        )
    if facts.server != facts.planned_server:
        return _refuse(
            f"Another server answers at {facts.target} now ({facts.server}, planned for {facts.planned_server}). "
            "Look at what was replaced, then ask for a new plan."
        )
    return Verdict("target", Answer.PASS, f"{facts.target} is a {facts.server_role.value}: {facts.server_says}")


def _refuse(says: str) -> Verdict:
    return Verdict("target", Answer.REFUSE, says)
