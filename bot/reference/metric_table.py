"""The table of what /metrics exposes. Pure."""

from __future__ import annotations

from bot.intake.metrics import METRICS
from bot.reference.markdown import table


def metric_table() -> str:
    """Returns a row for each metric."""
    rows = (
        (f"`{each.name}`", each.type, ", ".join(f"`{label}`" for label in each.labels), each.meaning)
        for each in METRICS
    )
    return table(["metric", "type", "labels", "meaning"], rows)
