"""Which alerts are one trouble. Pure."""

from __future__ import annotations

from bot.alerts import Alert


def incident_key(alert: Alert, family: str, place: str) -> str:
    """The key under which at most one run is under way: the family of the trouble, and the place that has it.

    The family is the runbook that answers, or the alert's name where none does; the place is the instance of the
    inventory, or what the alert itself calls its place.
    """
    where = place or alert.labels.get("instance") or alert.fingerprint
    # Text from outside: PostgreSQL keeps no NUL.
    return f"{family or alert.name}@{where}".replace("\0", " ")[:300]
