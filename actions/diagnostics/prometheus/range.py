"""The values of a PromQL expression over a recent time window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeAlias

from actions.contract import Cost, Seconds, diagnostic
from actions.prometheus_contract import Prometheus, Sample

Measure: TypeAlias = Literal["", "seconds", "bytes", "percent"]
POINTS = 240
"""Points of a series at most: as many as a chart can show."""


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One series."""

    name: str
    """The `instance` label of the series, or else its metric's name."""
    samples: tuple[Sample, ...]
    """Its points, oldest first."""


@dataclass(frozen=True, slots=True)
class Range:
    """The series of an expression, with a summary of the first."""

    lines: tuple[ChartLine, ...] = ()
    """The series."""
    unit: Measure = ""
    """The unit of the values, for the chart."""
    last: float | None = None
    """The last value of the first series; empty if there is none."""
    most: float | None = None
    """The largest value of the first series; empty if there is none."""
    rising: bool = False
    """Whether its last value is above the value in the middle of the window."""
    rising_for: Seconds = 0.0
    """Time for which it has risen without a fall, up to its last value; 0 if it did not rise last."""


@diagnostic(cost=Cost.LOW, needs={})
def range(  # noqa: A001 - its name in YAML
    prometheus: Prometheus, *, query: str, window: Seconds = 3600.0, unit: Measure = ""
) -> Range:
    """Evaluates `query` over the last `window` seconds, at 240 points at most; `unit` is for the chart."""
    end = datetime.now(UTC)
    step = max(1.0, window / POINTS)
    found = prometheus.range(query, start=end - timedelta(seconds=window), end=end, step=step)
    lines = tuple(
        ChartLine(series.labels.get("instance") or series.labels.get("__name__", "value"), series.samples)
        for series in found
        if series.samples
    )
    if not lines:
        return Range(unit=unit)
    values = [sample.value for sample in lines[0].samples]
    rising = values[-1] > values[len(values) // 2]
    return Range(lines, unit, values[-1], max(values), rising, _rising_for(lines[0].samples))


def _rising_for(samples: Sequence[Sample]) -> float:
    """Returns the seconds between the last sample and the first of the rise that leads to it."""
    begin = samples[-1]
    for earlier in reversed(samples[:-1]):
        if earlier.value > begin.value:
            break
        begin = earlier
    return samples[-1].at - begin.at if begin.value < samples[-1].value else 0.0
