"""What a notification means for an alert of which the store may already have a row. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.alerts import Alert, AlertStatus


class Arrival(StrEnum):
    """What one notification of an alert means."""

    FIRED = "fired"
    """A new firing: it joins a run under way or opens one."""
    RESOLVED = "resolved"
    """A stored firing is over."""
    REPEATED = "repeated"
    """Nothing new; sources send every alert again and again."""
    NEVER_FIRED = "never_fired"
    """An end without a beginning: it fired before this store existed, or its firing was not sent here."""


def arrival(status: AlertStatus, stored: AlertStatus | None) -> Arrival:
    """Classifies a notification by its status and by the stored status of the same firing, or None."""
    if stored is None:
        return Arrival.FIRED if status is AlertStatus.FIRING else Arrival.NEVER_FIRED
    if status is AlertStatus.RESOLVED and stored is not AlertStatus.RESOLVED:
        return Arrival.RESOLVED
    return Arrival.REPEATED


def supersedes(alert: Alert, former: Alert) -> bool:
    """Returns whether a firing proves that a former firing of the same labels is over.

    Sources do not always send the end of a firing. Without this rule such a firing would keep its incident open for
    ever.
    """
    return former.starts_at < alert.starts_at
