"""Values of series by name and label, as a page of metrics has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from actions.contract import Series

NAME = "__name__"


def value(series: Iterable[Series], name: str, /, **labels: str) -> float | None:
    """The sum of the series of this name with these labels; None where there is none."""
    found = [each.samples[-1].value for each in _named(series, name, labels)]
    return sum(found) if found else None


def values(series: Iterable[Series], name: str, /, *, by: str, **labels: str) -> dict[str, float]:
    """The same, summed by one more label."""
    found: defaultdict[str, float] = defaultdict(float)
    for each in _named(series, name, labels):
        found[each.labels.get(by, "")] += each.samples[-1].value
    return dict(found)


def _named(series: Iterable[Series], name: str, labels: dict[str, str]) -> Iterator[Series]:
    for each in series:
        named = each.labels.get(NAME) == name and bool(each.samples)
        if named and all(each.labels.get(label) == wanted for label, wanted in labels.items()):
            yield each
