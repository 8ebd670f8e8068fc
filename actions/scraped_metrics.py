"""Reads values by name and label from the series of a metrics page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from actions.prometheus_contract import Series

NAME = "__name__"


def value(series: Iterable[Series], name: str, /, **labels: str) -> float | None:
    """Returns the sum of the series with this name and these labels; None if there is no such series."""
    found = [each.samples[-1].value for each in _matching(series, name, labels)]
    return sum(found) if found else None


def values(series: Iterable[Series], name: str, /, *, by: str, **labels: str) -> dict[str, float]:
    """Returns the same sums by the value of one more label."""
    found: defaultdict[str, float] = defaultdict(float)
    for each in _matching(series, name, labels):
        found[each.labels.get(by, "")] += each.samples[-1].value
    return dict(found)


def _matching(series: Iterable[Series], name: str, labels: dict[str, str]) -> Iterator[Series]:
    for each in series:
        named = each.labels.get(NAME) == name and bool(each.samples)
        if named and all(each.labels.get(label) == wanted for label, wanted in labels.items()):
            yield each
