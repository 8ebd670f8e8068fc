"""Shares of a whole, in percent."""

from __future__ import annotations


def percent(part: float, total: float, digits: int = 1) -> float:
    """Returns `part` as a percentage of `total`, rounded; 0 where `total` is 0."""
    return round(100.0 * part / total, digits) if total else 0.0
