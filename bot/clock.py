"""The time of day. Every decision takes it as a value, so that tests can set it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Returns the present moment in UTC, with its zone."""
    return datetime.now(UTC)
