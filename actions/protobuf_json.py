"""Reads values from protobuf's JSON, where 64-bit integers are strings and a field with its default value is absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

NO_LAG = 1e15
"""Seconds from which a lag means "unknown": a stream that copies or has failed reports 2**63 - 1, or its negative."""


def integer(record: Record, name: str) -> int:
    """Returns a whole number; 0 if it is absent or not a number."""
    return int(decimal(record, name))


def decimal(record: Record, name: str) -> float:
    """Returns a number; 0 if it is absent or not a number."""
    try:
        return float(record.get(name) or 0)
    except (TypeError, ValueError):
        return 0.0


def text(record: Record, name: str) -> str:
    """Returns text on one line; '' if it is absent."""
    return " ".join(str(record.get(name) or "").split())


def nested(record: Record, *names: str) -> Record:
    """Returns the record at a path of names; an empty record if any name is absent."""
    for name in names:
        found = record.get(name)
        record = found if isinstance(found, Mapping) else {}
    return record


def records(record: Record, name: str) -> list[Record]:
    """Returns the records of a list; an empty list if it is absent."""
    found = record.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def moment(record: Record, name: str) -> float:
    """Returns a time as Unix time in seconds; 0 if it is absent."""
    found = nested(record, name)
    return decimal(found, "seconds") + decimal(found, "nanoseconds") / 1e9


def age(record: Record, name: str, now: float) -> float:
    """Returns the seconds since a time; 0 if it is absent or in the future."""
    since = moment(record, name)
    return round(max(0.0, now - since), 1) if since else 0.0
