"""The key of an incident: the family of the trouble and the place that has it. Pure."""

from __future__ import annotations

from bot.alerts import Alert


def incident_key(alert: Alert, family: str, place: str) -> str:
    """Returns the key under which at most one run is under way.

    The family is the runbook that answers the alert, or the alert's name where no runbook answers. The place is the
    instance or shard of the inventory, or the alert's own `instance` label where the inventory does not know it.
    """
    where = place or alert.labels.get("instance") or alert.fingerprint
    # Text from outside: PostgreSQL stores no NUL character.
    return f"{family or alert.name}@{where}".replace("\0", " ")[:300]
