"""Counts the GTIDs that one set has and another lacks, without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PART = re.compile(
    r"(?:MySQL56/)?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?::[a-z_]\w*)?)((?::\d+(?:-\d+)?)+)"
)


def count_missing(replica: str, primary: str) -> int:
    """Returns how many GTIDs a replica has executed that its primary has not.

    Both are GTID sets as Vitess or MySQL write them. Raises ValueError for text that is not a GTID set.
    """
    return sum(last - first + 1 for each in _minus(_intervals(replica), _intervals(primary)) for first, last in each)


Intervals = dict[str, list[tuple[int, int]]]


def _intervals(gtids: str) -> Intervals:
    found: Intervals = {}
    for part in filter(None, (each.strip() for each in gtids.split(","))):
        parsed = _PART.fullmatch(part)
        if parsed is None:
            raise ValueError(f"{part[:60]!r} is not part of a GTID set")
        for interval in parsed[2].strip(":").split(":"):
            first, _, last = interval.partition("-")
            found.setdefault(parsed[1].lower(), []).append((int(first), int(last or first)))
    return found


def _minus(one: Intervals, other: Intervals) -> Iterator[list[tuple[int, int]]]:
    for source, intervals in one.items():
        left = intervals
        for first, last in other.get(source, ()):
            left = [piece for each in left for piece in _cut(each, first, last)]
        yield left


def _cut(interval: tuple[int, int], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yields what is left of an interval without another one."""
    begin, end = interval
    if begin < first:
        yield begin, min(end, first - 1)
    if end > last:
        yield max(begin, last + 1), end
