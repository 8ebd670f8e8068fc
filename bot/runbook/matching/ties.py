"""Alerts that two runbooks would answer equally well. Pure.

Whether two conjunctions of matchers can hold at once is decided by trying: for each label the values that one of them
demands, or samples of its regular expression. A tie is told only with an alert that proves it, so what is found is
true, and what is not found may still be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import quote

from bot.alerts import Alert, AlertStatus, Matcher, Operator
from bot.runbook.language.schema import Runbook
from bot.runbook.matching.match import Specificity, Tie, choose, specificity
from bot.runbook.matching.regex_samples import fixed_part, samples

_POSITIVE = (Operator.EQUAL, Operator.REGEX)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Equal:
    """Two runbooks, by their numbers, and the alternatives by which they answer the same alert."""

    first: int
    second: int
    entry: int
    """The number of the second one's alternative."""
    alert: str
    """The alert that proves it."""


@dataclass(frozen=True, slots=True)
class _Entry:
    runbook: int
    number: int
    matchers: tuple[Matcher, ...]
    tried: tuple[tuple[str, str], ...]
    """A label, or `metric`, with a value that may fit."""

    def first(self) -> Matcher:
        """The matcher that makes it what it is."""
        names = ("alertname", "metric")
        found = [each for each in self.matchers if each.name in names and each.operator in _POSITIVE]
        return min(found, key=lambda each: names.index(each.name), default=self.matchers[0])


def ties(runbooks: Sequence[Runbook]) -> Iterator[Equal]:
    """Every pair of runbooks for which an alert is found that both answer, and neither better than the other."""
    groups: dict[Specificity, list[_Entry]] = defaultdict(list)
    for place, runbook in enumerate(runbooks):
        for number, matchers in enumerate(runbook.entries):
            groups[specificity(matchers, runbook.priority)].append(
                _Entry(place, number, matchers, tuple(_values(matchers)))
            )
    found: set[tuple[int, int]] = set()
    for group in groups.values():
        for one, other, value in _meeting(group):
            pair = (min(one.runbook, other.runbook), max(one.runbook, other.runbook))
            if pair in found:
                continue
            alert = _alert(one, other, value)
            if isinstance(choose([runbooks[place] for place in pair], alert), Tie):
                found.add(pair)
                second = one if one.runbook == pair[1] else other
                yield Equal(*pair, second.number, _shown(alert))


def _values(matchers: tuple[Matcher, ...]) -> Iterator[tuple[str, str]]:
    for matcher in matchers:
        if matcher.operator is Operator.EQUAL:
            yield matcher.name, matcher.value
        elif matcher.operator is Operator.REGEX:
            for text in samples(matcher):
                yield matcher.name, text


def _meeting(group: list[_Entry]) -> Iterator[tuple[_Entry, _Entry, str]]:
    """Pairs of entries of two runbooks whose first matchers take the same value, and that value."""
    equal: dict[tuple[str, str], list[_Entry]] = defaultdict(list)
    patterns: list[tuple[_Entry, Matcher]] = []
    for entry in group:
        first = entry.first()
        if first.operator is Operator.EQUAL:
            equal[first.name, first.value].append(entry)
        else:
            patterns.append((entry, first))
    for (_, value), entries in equal.items():
        for place, one in enumerate(entries):
            for other in entries[:place]:
                if one.runbook != other.runbook:
                    yield other, one, value
    wanted = [(fixed_part(first), first, each) for each, first in patterns]
    for one in group:
        name = one.first().name
        for value in [value for label, value in one.tried if label == name]:
            lower = value.lower()
            for part, first, other in wanted:
                # The look at the fixed part is for speed alone: every pattern meets every other one's samples here.
                if part in lower and other.runbook != one.runbook and first.name == name and first.accepts(value):
                    yield one, other, value


def _alert(one: _Entry, other: _Entry, value: str) -> Alert:
    """An alert that both may answer: every label has the first value that all its matchers take."""
    labels: dict[str, str] = {}
    for name in dict.fromkeys(each.name for each in (*one.matchers, *other.matchers)):
        matchers = [each for each in (*one.matchers, *other.matchers) if each.name == name]
        tried = [value] if name == one.first().name else []
        tried += [text for key, text in (*one.tried, *other.tried) if key == name] + [""]
        labels[name] = next((text for text in tried if all(each.accepts(text) for each in matchers)), tried[0])
    metric = labels.pop("metric", "")
    url = f"http://prometheus/graph?g0.expr={quote(metric)}" if metric else ""
    annotations = {name: labels.pop(name) for name in list(labels) if name.startswith("annotation.")}
    plain = {name.removeprefix("annotation."): text for name, text in annotations.items()}
    given = {name: text for name, text in labels.items() if text}
    return Alert(given, AlertStatus.FIRING, _EPOCH, annotations=plain, generator_url=url)


def _shown(alert: Alert) -> str:
    parts = [f'{name}="{text}"' for name, text in alert.labels.items()]
    parts += [f"an expression over {name}" for name in sorted(alert.metrics)]
    parts += [f'annotation {name}="{text}"' for name, text in alert.annotations.items()]
    return ", ".join(islice(parts, 5)) or "any alert"
