"""Finds the numbers that are far from the others. Pure.

The rule: at least five numbers; the distance to the median is more than six times the usual one (the median absolute
deviation, scaled to be a standard deviation where numbers are spread normally), more than half of the median, and more
than what matters at all in its unit. Median and deviation hardly move for a few wild values, as a mean would.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from actions.contract import Unit

ENOUGH = 5
"""The least numbers in which outliers are sought."""
TIMES = 6.0
SCALE = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""
MATTERS: Mapping[Unit | None, float] = {
    Unit.SECONDS: 10.0,
    Unit.BYTES: 64 * 1024.0**2,
    Unit.PERCENT: 10.0,
    Unit.COUNT: 10.0,
    None: 0.0,
}
"""Distances that are never reported, by unit."""


def apart(values: Mapping[str, float], unit: Unit | None) -> tuple[str, ...]:
    """Returns the names of the outliers, the farthest first."""
    if len(values) < ENOUGH:
        return ()
    middle = median(values.values())
    usual = SCALE * median(abs(value - middle) for value in values.values())
    limit = max(TIMES * usual, abs(middle) / 2, MATTERS[unit])
    far = [name for name, value in values.items() if abs(value - middle) > limit]
    return tuple(sorted(far, key=lambda name: -abs(values[name] - middle)))
