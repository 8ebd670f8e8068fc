"""Which alerts are one trouble. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.alerts import Alert

JOINS_WITHIN = timedelta(minutes=15)
"""An alert of the same key joins the thread of a run that was opened so lately: most likely it is the same trouble.

Later it would be a reply to what nobody looks at any more.
"""


def incident_key(alert: Alert, family: str, place: str) -> str:
    """The key under which at most one run is under way: the family of the trouble, and the place that has it.

    The family is the runbook that answers, or the alert's name where none does; the place is the instance of the
    inventory, or what the alert itself calls its place.
    """
    where = place or alert.labels.get("instance") or alert.fingerprint
    # Text from outside: PostgreSQL keeps no NUL.
    return f"{family or alert.name}@{where}".replace("\0", " ")[:300]


def is_loud(alert: Alert, earlier: Sequence[Alert], *, resolved: bool) -> bool:
    """Whether the channel is told of an alert that joins a thread: the trouble had passed, or it is graver now."""
    return resolved or (_grave(alert) and not any(_grave(each) for each in earlier))


def _grave(alert: Alert) -> bool:
    return alert.labels.get("severity", "").lower() in ("critical", "page", "emergency")
