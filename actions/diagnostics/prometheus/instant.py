"""The present value of a PromQL expression."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, diagnostic
from actions.prometheus_contract import Prometheus


@dataclass(frozen=True, slots=True)
class Instant:
    """The value of an expression."""

    value: float | None = None
    """The value of the first series; empty if there is none."""
    values: dict[str, float] | None = None
    """The value of each series by its labels."""


@diagnostic(cost=Cost.LOW, needs={})
def instant(prometheus: Prometheus, *, query: str) -> Instant:
    """Evaluates `query` now."""
    found = prometheus.instant(query)
    values = {
        ", ".join(f"{name}={value}" for name, value in sorted(series.labels.items()) if name != "__name__"): (
            series.samples[-1].value
        )
        for series in found
        if series.samples
    }
    return Instant(next(iter(values.values()), None), values)
