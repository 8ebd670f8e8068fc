"""Whether a new run reopens the thread of an incident whose runs have ended. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.alerts import Alert
from bot.incidents.notify_channel import notifies_channel

REOPENS_WITHIN = timedelta(minutes=15)
"""A run joins the thread of an earlier run of the same key that was opened at most this long ago.

After that nobody reads the old thread any more.
"""
MOST_EARLIER = 20
"""The newest runs of a key that are compared with a new alert."""


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run of the same incident key."""

    id: str
    incident: str
    thread: str
    """The run whose card begins the thread."""
    channel: str
    opened_at: datetime
    alert: Alert | None
    """None where a person asked for the run."""
    resolved: bool
    assigned: tuple[str, datetime] | None = None
    """The person who works on the incident, and since when."""


@dataclass(frozen=True, slots=True)
class Thread:
    """The thread of an incident that a new run joins."""

    incident: str
    root: str
    """The run whose card begins the thread."""
    channel: str
    loud: bool
    """Whether the channel is told, too."""
    assigned: tuple[str, datetime] | None
    """The person who works on the incident, and since when."""


def reopened(
    alert: Alert, earlier: Sequence[EarlierRun], *, now: datetime, stored_roots: Collection[str]
) -> Thread | None:
    """Returns the thread that the run of an alert joins, or None where it begins one of its own.

    `earlier` has the newest run first; `stored_roots` names the roots of threads that retention has not deleted.
    """
    recent = [each for each in earlier if each.alert is not None and now - each.opened_at <= REOPENS_WITHIN]
    if not recent or recent[0].thread not in stored_roots:
        return None
    newest = recent[0]
    alerts = [each.alert for each in recent if each.alert is not None]
    loud = notifies_channel(alert, alerts, resolved=all(each.resolved for each in recent))
    return Thread(newest.incident, newest.thread, newest.channel, loud, newest.assigned)
