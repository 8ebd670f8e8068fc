"""Finds alerts that two runbooks match with the same specificity. Pure.

The search builds alerts from the values that the matchers require and from samples of their regular expressions. Every
reported tie is proved by such an alert; a tie that no sample hits is not found.
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
class TiedPair:
    """Two runbooks, by their indexes, that match the same alert with the same specificity."""

    first: int
    second: int
    alternative: int
    """The index of the alternative by which the second runbook matches."""
    alert: str
    """The alert that proves the tie."""


@dataclass(frozen=True, slots=True)
class _Alternative:
    runbook: int
    number: int
    matchers: tuple[Matcher, ...]
    candidates: tuple[tuple[str, str], ...]
    """Pairs of a label, or `metric`, and a value that its matcher may accept."""

    def main_matcher(self) -> Matcher:
        """Returns the matcher on alertname, else that on metric, else the first."""
        names = ("alertname", "metric")
        found = [each for each in self.matchers if each.name in names and each.operator in _POSITIVE]
        return min(found, key=lambda each: names.index(each.name), default=self.matchers[0])


def find_ties(runbooks: Sequence[Runbook]) -> Iterator[TiedPair]:
    """Yields each pair of runbooks for which an alert is found that both match with the same specificity."""
    groups: dict[Specificity, list[_Alternative]] = defaultdict(list)
    for place, runbook in enumerate(runbooks):
        for number, matchers in enumerate(runbook.entries):
            groups[specificity(matchers, runbook.priority)].append(
                _Alternative(place, number, matchers, tuple(_candidates(matchers)))
            )
    found: set[tuple[int, int]] = set()
    for group in groups.values():
        for one, other, value in _overlapping(group):
            pair = (min(one.runbook, other.runbook), max(one.runbook, other.runbook))
            if pair in found:
                continue
            alert = _alert(one, other, value)
            if isinstance(choose([runbooks[place] for place in pair], alert), Tie):
                found.add(pair)
                second = one if one.runbook == pair[1] else other
                yield TiedPair(*pair, second.number, _alert_text(alert))


def _candidates(matchers: tuple[Matcher, ...]) -> Iterator[tuple[str, str]]:
    for matcher in matchers:
        if matcher.operator is Operator.EQUAL:
            yield matcher.name, matcher.value
        elif matcher.operator is Operator.REGEX:
            for text in samples(matcher):
                yield matcher.name, text


def _overlapping(group: list[_Alternative]) -> Iterator[tuple[_Alternative, _Alternative, str]]:
    """Yields pairs of alternatives of two runbooks whose main matchers accept the same value, and that value."""
    by_value: dict[tuple[str, str], list[_Alternative]] = defaultdict(list)
    patterns: list[tuple[str, Matcher, _Alternative]] = []
    for alternative in group:
        matcher = alternative.main_matcher()
        if matcher.operator is Operator.EQUAL:
            by_value[matcher.name, matcher.value].append(alternative)
        else:
            patterns.append((fixed_part(matcher), matcher, alternative))
    for (_, value), alternatives in by_value.items():
        for place, one in enumerate(alternatives):
            for other in alternatives[:place]:
                if one.runbook != other.runbook:
                    yield other, one, value
    for one in group:
        name = one.main_matcher().name
        for value in [value for label, value in one.candidates if label == name]:
            lower = value.lower()
            for part, matcher, other in patterns:
                # The comparison with the fixed part only saves time: every pattern is tried on every sample here.
                if part in lower and other.runbook != one.runbook and matcher.name == name and matcher.accepts(value):
                    yield one, other, value


def _alert(one: _Alternative, other: _Alternative, value: str) -> Alert:
    """Returns an alert in which every label has the first candidate that all matchers of both alternatives accept."""
    labels: dict[str, str] = {}
    for name in dict.fromkeys(each.name for each in (*one.matchers, *other.matchers)):
        matchers = [each for each in (*one.matchers, *other.matchers) if each.name == name]
        candidates = [value] if name == one.main_matcher().name else []
        candidates += [text for key, text in (*one.candidates, *other.candidates) if key == name] + [""]
        accepted = (text for text in candidates if all(each.accepts(text) for each in matchers))
        labels[name] = next(accepted, candidates[0])
    metric = labels.pop("metric", "")
    url = f"http://prometheus/graph?g0.expr={quote(metric)}" if metric else ""
    annotations = {name: labels.pop(name) for name in list(labels) if name.startswith("annotation.")}
    plain = {name.removeprefix("annotation."): text for name, text in annotations.items()}
    non_empty = {name: text for name, text in labels.items() if text}
    return Alert(non_empty, AlertStatus.FIRING, _EPOCH, annotations=plain, generator_url=url)


def _alert_text(alert: Alert) -> str:
    parts = [f'{name}="{text}"' for name, text in alert.labels.items()]
    parts += [f"an expression over {name}" for name in sorted(alert.metrics)]
    parts += [f'annotation {name}="{text}"' for name, text in alert.annotations.items()]
    return ", ".join(islice(parts, 5)) or "any alert"
