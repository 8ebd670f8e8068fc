"""Groups the answers of hosts: which are equal, which differ and in what, and which hosts do not answer. Pure.

A primary is compared with primaries and a replica with replicas, each within its flavour. What of their evidence is
compared, bot.engine.sweep.comparable_evidence says; a number becomes a range, without the outliers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actions.contract import Unit
from bot.engine.sweep.comparable_evidence import ABSENT, KNOWN, UNKNOWN, ComparableValues, each_its_own, seen_of, word
from bot.engine.sweep.numeric_outliers import apart
from bot.engine.sweep.run_sweep import HostAnswer
from bot.runbook.language import units

NAMED = 10
"""The most hosts of a group that are named; the others are counted."""
_QUIET: tuple[object, ...] = (None, "", 0, False, KNOWN)
"""Values that are not shown while all hosts have them."""
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?|\b[\w.-]*[A-Za-z][\w.-]*:\d{2,5}\b")
_TIME = re.compile(r"\b\d+(?:\.\d+)?(?= ?(?:ms|s|min|h|seconds)\b)")


@dataclass(frozen=True, slots=True)
class Outlier:
    """A host whose number is far from those of its group."""

    host: str
    value: float


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers of one field in a group, without the outliers."""

    field: str
    unit: Unit | None
    least: float
    median: float
    most: float
    outliers: tuple[Outlier, ...] = ()

    def shown(self, value: float) -> str:
        """Returns a value with its unit."""
        match self.unit:
            case Unit.SECONDS:
                return units.show_seconds(value)
            case Unit.BYTES:
                return units.show_bytes(value)
            case Unit.PERCENT:
                return f"{value:.3g} %"
            case _:
                return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"

    @property
    def says(self) -> str:
        """`lag 0 s to 2 s, median 1 s`."""
        least, median, most = map(self.shown, (self.least, self.median, self.most))
        return f"{words(self.field)} {least}" + (f" to {most}, median {median}" if least != most else "")

    @property
    def quiet(self) -> bool:
        return self.least == self.most == 0

    @property
    def strays(self) -> str:
        """Returns the outliers with their values, or ''."""
        told = [f"{each.host} {self.shown(each.value)}" for each in self.outliers]
        return f"{words(self.field)}: {named(told)}" if told else ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which a group differs from the usual group."""

    field: str
    value: str
    usual: str

    @property
    def says(self) -> str:
        told = f"{words(self.field)} {self.value}"
        return told if {self.value, self.usual} == {KNOWN, UNKNOWN} else f"{told}, not {self.usual}"


@dataclass(frozen=True, slots=True)
class Group:
    """Hosts with equal answers."""

    hosts: tuple[str, ...]
    facts: Mapping[str, str]
    telling: tuple[str, ...]
    """The facts that are shown, as text."""
    differs: tuple[Difference, ...]
    ranges: tuple[Range, ...]

    @property
    def seen(self) -> str:
        """The telling facts and the ranges in one line; a zero tells something where it might be unknown."""
        shown = [each.says for each in self.ranges if not each.quiet or each.field in self.facts]
        return ", ".join([*self.telling, *shown])


@dataclass(frozen=True, slots=True)
class Kin:
    """The hosts that are compared with one another, with the usual group first."""

    flavour: str
    role: str
    groups: tuple[Group, ...]

    @property
    def hosts(self) -> int:
        return sum(len(group.hosts) for group in self.groups)

    @property
    def name(self) -> str:
        """`2 replicas of mysql`."""
        plural = {"primary": "primaries", "replica": "replicas"}[self.role] if self.hosts > 1 else self.role
        return f"{self.hosts:,} {plural} of {self.flavour}"

    @property
    def alike(self) -> bool:
        return len(self.groups) == 1 and not any(each.outliers for each in self.groups[0].ranges)


@dataclass(frozen=True, slots=True)
class Silence:
    """Hosts that did not answer for the same reason, without its addresses and times."""

    reason: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a sweep."""

    asked: int
    kin: tuple[Kin, ...]
    silent: tuple[Silence, ...]

    @property
    def alike(self) -> bool:
        """Whether all hosts answered, and all that are compared are equal."""
        return not self.silent and all(each.alike for each in self.kin)

    @property
    def strange(self) -> frozenset[str]:
        """The hosts that answered and differ from the others."""
        return self._differing | self._far

    @property
    def _differing(self) -> frozenset[str]:
        return frozenset(host for kin in self.kin for group in kin.groups[1:] for host in group.hosts)

    @property
    def _far(self) -> frozenset[str]:
        ranges = (each for kin in self.kin for group in kin.groups for each in group.ranges)
        return frozenset(outlier.host for each in ranges for outlier in each.outliers)

    @property
    def says(self) -> str:
        """One sentence on how many hosts answered and how many of them differ."""
        silent = sum(len(each.hosts) for each in self.silent)
        differ, strays = len(self._differing), len(self._far)
        found = [f"{differ:,} of them differ{'s' if differ == 1 else ''}"] if differ else []
        found += [f"{strays:,} of them {'is an outlier' if strays == 1 else 'are outliers'}"] if strays else []
        return responded(self.asked - silent, self.asked, found)


def summarised(looks: Sequence[HostAnswer]) -> Summary:
    """Groups the answers of hosts."""
    kin: dict[tuple[str, str], list[HostAnswer]] = {}
    for look in looks:
        if not look.missing:
            kin.setdefault((look.target.shard.flavour, look.target.instance.role.value), []).append(look)
    found = tuple(Kin(flavour, role, _groups(of)) for (flavour, role), of in kin.items())
    return Summary(len(looks), found, _silences([look for look in looks if look.missing]))


def responded(answers: int, asked: int, found: Sequence[str]) -> str:
    """Returns one sentence on how many hosts responded, and what was found in their answers."""
    if answers == 0:
        return f"None of the {asked:,} instances responded." if asked != 1 else "The instance did not respond."
    return f"{answers:,} of {asked:,} responded; {'; '.join(found) or 'no differences found'}."


def named(hosts: Sequence[str], most: int = NAMED) -> str:
    """Returns the names of the first hosts, and the number of others."""
    more = f" and {len(hosts) - most:,} more" if len(hosts) > most else ""
    return ", ".join(hosts[:most]) + more


def instances(hosts: Sequence[str]) -> str:
    """Returns the number of hosts, as `2 instances`."""
    return f"{len(hosts):,} instance{'s' if len(hosts) != 1 else ''}"


def words(field: str) -> str:
    """Returns the name of a field as text."""
    return field.replace("_", " ")


def _groups(looks: Sequence[HostAnswer]) -> tuple[Group, ...]:
    """Returns the groups of comparable hosts, the largest first, then in the order of the sweep."""
    seen = [seen_of(look) for look in looks]
    apart_anyway = each_its_own(seen)
    groups: dict[tuple[tuple[str, object], ...], list[ComparableValues]] = defaultdict(list)
    for each in seen:
        groups[tuple((name, value) for name, value in each.closed.items() if name not in apart_anyway)].append(each)
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))
    usual = dict(largest[0][0])
    return tuple(_group(dict(facts), usual, of) for facts, of in largest)


def _group(facts: Mapping[str, object], usual: Mapping[str, object], seen: Sequence[ComparableValues]) -> Group:
    differs = tuple(
        Difference(name, word(facts.get(name, ABSENT)), word(usual.get(name, ABSENT)))
        for name in {**usual, **facts}
        if facts.get(name, ABSENT) != usual.get(name, ABSENT)
    )
    return Group(
        hosts=tuple(each.host for each in seen),
        facts={name: word(value) for name, value in facts.items()},
        telling=tuple(f"{words(name)} {word(value)}" for name, value in facts.items() if value not in _QUIET),
        differs=differs,
        ranges=tuple(_ranges(seen)),
    )


def _ranges(seen: Sequence[ComparableValues]) -> Iterator[Range]:
    for name in dict.fromkeys(name for each in seen for name in each.numbers):
        told = {each.host: each.numbers[name] for each in seen if name in each.numbers}
        unit = next(iter(told.values()))[0]
        values = {host: value for host, (_, value) in told.items()}
        strays = apart(values, unit)
        rest = sorted(value for host, value in values.items() if host not in strays)
        outliers = tuple(Outlier(host, values[host]) for host in strays)
        yield Range(name, unit, rest[0], rest[(len(rest) - 1) // 2], rest[-1], outliers)


def _silences(looks: Sequence[HostAnswer]) -> tuple[Silence, ...]:
    """Groups the hosts that did not answer by their reason, the most frequent reason first."""
    alike: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for look in looks:
        reason = _without_addresses(look)
        alike[_TIME.sub("…", reason)][look.target.name] = reason
    # Times are kept if they are equal for all hosts.
    found = [
        Silence(next(iter(hosts.values())) if len(set(hosts.values())) == 1 else reason, tuple(hosts))
        for reason, hosts in alike.items()
    ]
    return tuple(sorted(found, key=lambda each: -len(each.hosts)))


def _without_addresses(look: HostAnswer) -> str:
    """Returns a reason without the address of its host and other addresses."""
    instance = look.target.instance
    reason = look.missing.replace(instance.address, "…")
    return _ADDRESS.sub("…", re.sub(rf"(?<![\w.]){re.escape(instance.host)}(?![\w.])", "…", reason))
