"""GTID sets of MySQL and binary log states of MariaDB as text: parses, counts and compares them without a server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SOURCE = re.compile(r"(?:MySQL56/)?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})")
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
_INTERVAL = re.compile(r"([0-9]+)(?:-([0-9]+))?")


@dataclass(frozen=True, slots=True)
class GtidInterval:
    """Consecutive GTIDs of one source."""

    source: str
    """The UUID of the source as it was written; since MySQL 8.3 a tag may follow: `uuid:tag`."""
    first: int
    last: int

    @property
    def gtids(self) -> Iterator[str]:
        """Yields each GTID, such as `uuid:7`."""
        return (f"{self.source}:{number}" for number in range(self.first, self.last + 1))


def parse_gtid_set(gtids: str) -> list[GtidInterval]:
    """Parses a GTID set as MySQL or Vitess write it: `uuid:1-3:5,uuid:tag:7`. Raises ValueError for any other text."""
    return [found for part in filter(None, (each.strip() for each in gtids.split(","))) for found in _parsed(part)]


def count_gtids(gtids: str) -> int:
    """Returns how many GTIDs a set has; raises ValueError for text that is not a GTID set."""
    return sum(each.last - each.first + 1 for each in parse_gtid_set(gtids))


def count_missing(replica: str, primary: str) -> int:
    """Returns how many GTIDs a replica has executed that its primary has not.

    Both are GTID sets as Vitess or MySQL write them. Raises ValueError for text that is not a GTID set.
    """
    return sum(last - first + 1 for each in _minus(_by_source(replica), _by_source(primary)) for first, last in each)


def last_sequences(state: str) -> Mapping[tuple[str, str], int]:
    """Returns the last sequence number of each domain and server in MariaDB's `0-101-7,0-102-9`."""
    found = {}
    for part in filter(None, (each.strip() for each in state.split(","))):
        domain, server, sequence = part.split("-")
        found[domain, server] = int(sequence)
    return found


Intervals = dict[str, list[tuple[int, int]]]


def _parsed(part: str) -> list[GtidInterval]:
    """Parses the intervals of one UUID; a tag applies to the intervals after it."""
    uuid, *rest = part.split(":")
    source = _SOURCE.fullmatch(uuid)
    wrong = ValueError(f"{part[:60]!r} is not part of a GTID set")
    if source is None or not rest or not _INTERVAL.fullmatch(rest[-1]):
        raise wrong
    name = source[1]
    found: list[GtidInterval] = []
    for each in rest:
        if (interval := _INTERVAL.fullmatch(each)) is not None:
            found.append(GtidInterval(name, int(interval[1]), int(interval[2] or interval[1])))
        elif _TAG.fullmatch(each):
            name = f"{source[1]}:{each}"
        else:
            raise wrong
    return found


def _by_source(gtids: str) -> Intervals:
    found: Intervals = {}
    for each in parse_gtid_set(gtids):
        found.setdefault(each.source.lower(), []).append((each.first, each.last))
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
