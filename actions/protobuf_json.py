"""Values out of protobuf's JSON, where 64-bit integers are strings and a field with its default value is absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

NEVER = 1e15
"""Seconds above which a lag is no lag: a stream that copies, or has failed, says 2**63 - 1, or the same below 0."""


def whole(record: Record, name: str) -> int:
    """A whole number; 0 where it is absent, or is none."""
    return int(decimal(record, name))


def decimal(record: Record, name: str) -> float:
    """A number; 0 where it is absent, or is none."""
    try:
        return float(record.get(name) or 0)
    except (TypeError, ValueError):
        return 0.0


def text(record: Record, name: str) -> str:
    """Text on one line; '' where it is absent."""
    return " ".join(str(record.get(name) or "").split())


def inner(record: Record, *names: str) -> Record:
    """The record within a record, and so on; an empty one where any of them is absent."""
    for name in names:
        found = record.get(name)
        record = found if isinstance(found, Mapping) else {}
    return record


def each(record: Record, name: str) -> list[Record]:
    """The records of a list; none where it is absent."""
    found = record.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def moment(record: Record, name: str) -> float:
    """A time as Unix time in seconds; 0 where it is absent."""
    found = inner(record, name)
    return decimal(found, "seconds") + decimal(found, "nanoseconds") / 1e9


def age(record: Record, name: str, now: float) -> float:
    """Seconds since a time; 0 where it is absent or still to come."""
    since = moment(record, name)
    return round(max(0.0, now - since), 1) if since else 0.0
