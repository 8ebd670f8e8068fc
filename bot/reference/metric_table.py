"""The table of what /metrics exposes. Pure."""

from __future__ import annotations

from bot.reference.markdown import table


def metric_table() -> str:
    """Returns a row for each metric."""
    return table(["metric", "type", "labels", "meaning"], [])
