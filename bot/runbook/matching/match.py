"""Finds the runbook that answers an alert, and tells why. Pure.

An alternative of `match` is a conjunction of matchers. `metric` looks at the names of the metrics in the alert's own
expression: a positive matcher takes any of them, a negative one must hold for all. `annotation.NAME` looks at an
annotation, any other name at a label. Where an alternative under `not` holds, the runbook does not answer.

The most specific alternative wins: first by the `priority` of its runbook, then by its strongest matcher (an equality
on alertname, a regular expression on alertname, an equality on metric, a regular expression on metric, any other label
or annotation), then by the number of its matchers. A regular expression that takes everything is the weakest of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.alerts import Alert, Matcher, Operator
from bot.runbook.language.schema import Runbook

Specificity: TypeAlias = tuple[int, int, int]
"""Priority of the runbook, rank of the strongest matcher (5 to 0), and the number of matchers."""
ANNOTATION = "annotation."

_POSITIVE = (Operator.EQUAL, Operator.REGEX)
_LONGEST = 300
"""Characters of a label or a metric's name that are looked at: regular expressions take longer than their text."""
_NOWHERE: Specificity = (0, 0, 0)
_NOBODY = "\x00 no name is like this \x00"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a runbook does or does not answer an alert."""

    runbook: Runbook
    matches: bool
    matcher: str
    """The alternative that matched, or the one that came nearest."""
    specificity: Specificity
    says: str


@dataclass(frozen=True, slots=True)
class Match:
    """The runbook that answers an alert, and by which alternative."""

    runbook: Runbook
    matcher: str
    specificity: Specificity


@dataclass(frozen=True, slots=True)
class Tie:
    """Runbooks that answer an alert equally well; neither runs."""

    matches: tuple[Match, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(match.runbook.runbook for match in self.matches)


def explain(runbooks: Iterable[Runbook], alert: Alert) -> list[Explanation]:
    """Tells for every runbook whether it answers the alert, the best first."""
    seen = _AlertView(alert.labels, alert.annotations, tuple(name[:_LONGEST] for name in sorted(alert.metrics)))
    found = [_explain(runbook, seen) for runbook in runbooks]
    return sorted(found, key=lambda each: (each.matches, each.specificity), reverse=True)


def choose(runbooks: Iterable[Runbook], alert: Alert) -> Match | Tie | None:
    """The runbook that answers the alert, None where none does, and a Tie where two do equally well."""
    answers = [each for each in explain(runbooks, alert) if each.matches]
    best = [
        Match(each.runbook, each.matcher, each.specificity)
        for each in answers
        if each.specificity == answers[0].specificity
    ]
    if len(best) > 1:
        return Tie(tuple(sorted(best, key=lambda match: match.runbook.runbook)))
    return best[0] if best else None


def verdict(chosen: Match | Tie | None) -> str:
    """What became of an alert, in a sentence."""
    if chosen is None:
        return "No runbook answers it."
    if isinstance(chosen, Tie):
        return f"{' and '.join(chosen.names)} answer it equally well, so none does; make one of them more specific."
    kind = ", as the fallback," if chosen.runbook.is_fallback else ""
    return f"{chosen.runbook.runbook}{kind} answers it, by {chosen.matcher}."


def specificity(entry: tuple[Matcher, ...], priority: int = 0) -> Specificity:
    """How specific an alternative of a runbook with that priority is; larger is more."""
    return priority, max(map(_rank, entry)), len(entry)


def _rank(matcher: Matcher) -> int:
    if matcher.operator not in _POSITIVE or matcher.accepts(_NOBODY):
        return 0
    equal = matcher.operator is Operator.EQUAL
    if matcher.name == "alertname":
        return 5 if equal else 4
    if matcher.name == "metric":
        return 3 if equal else 2
    return 1


@dataclass(frozen=True, slots=True)
class _AlertView:
    """What matchers look at."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    metrics: tuple[str, ...]

    def value(self, name: str) -> str | None:
        """The value of a label, or of `annotation.NAME`; None where there is none."""
        if name.startswith(ANNOTATION):
            return self.annotations.get(name.removeprefix(ANNOTATION))
        return self.labels.get(name)


def _explain(runbook: Runbook, alert: _AlertView) -> Explanation:
    judged = [(entry, [matcher for matcher in entry if not _accepts(matcher, alert)]) for entry in runbook.entries]
    if not judged:
        return Explanation(runbook, False, "", _NOWHERE, "answers no alert; a person runs it")
    matching = [entry for entry, failed in judged if not failed]
    if not matching:
        entry, failed = min(judged, key=lambda each: len(each[1]) / len(each[0]))
        says = "; ".join(_why_not(matcher, alert) for matcher in failed)
        return Explanation(runbook, False, _shown(entry), specificity(entry, runbook.priority), says)
    best = max(matching, key=specificity)
    degree = specificity(best, runbook.priority)
    for exception in runbook.exceptions:
        if all(_accepts(matcher, alert) for matcher in exception):
            says = f"matches by {_shown(best)}, but its `not` holds: {_shown(exception)}"
            return Explanation(runbook, False, _shown(best), degree, says)
    priority = f" (priority {runbook.priority})" if runbook.priority else ""
    return Explanation(runbook, True, _shown(best), degree, f"matches by {_shown(best)}{priority}")


def _accepts(matcher: Matcher, alert: _AlertView) -> bool:
    if matcher.name == "metric":
        if matcher.operator in _POSITIVE:
            return any(map(matcher.accepts, alert.metrics))
        return all(map(matcher.accepts, alert.metrics))
    return matcher.accepts((alert.value(matcher.name) or "")[:_LONGEST])


def _why_not(matcher: Matcher, alert: _AlertView) -> str:
    if matcher.name == "metric":
        names = ", ".join(alert.metrics[:10])
        return f"{matcher} does not hold: " + (
            f"the alert's expression reads {names}" if names else "the alert carries no expression"
        )
    value = alert.value(matcher.name)
    kind = "annotation" if matcher.name.startswith(ANNOTATION) else "label"
    return f"{matcher} does not hold: the alert has " + (
        f"{matcher.name}={value[:_LONGEST]!r}" if value is not None else f"no {kind} {matcher.name!r}"
    )


def _shown(entry: tuple[Matcher, ...]) -> str:
    return ", ".join(map(str, entry))
