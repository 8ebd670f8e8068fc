"""When the channel is told of an alert whose card stands in a thread. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bot.alerts import Alert

CRITICAL = frozenset({"critical", "page", "emergency"})
"""Values of the label `severity` that wake somebody up."""


def notifies_channel(alert: Alert, earlier: Iterable[Alert], *, resolved: bool) -> bool:
    """Returns whether the channel is told, too: the trouble was over in between, or is critical for the first time."""
    return resolved or (is_critical(alert) and not any(map(is_critical, earlier)))


def is_critical(alert: Alert) -> bool:
    """Returns whether the label `severity` has one of the values in CRITICAL, in any case."""
    return alert.labels.get("severity", "").lower() in CRITICAL
