"""Finds the runbook that matches an alert, and explains the choice. Pure.

All matchers of an alternative of `match` must match. A matcher on `metric` is applied to the metric names in the
alert's expression: a positive matcher must match one of them, a negative one all of them. A matcher on
`annotation.NAME` is applied to an annotation, any other matcher to a label. If an alternative under `not` matches, the
runbook does not match.

The most specific alternative wins: first by the `priority` of its runbook, then by its strongest matcher (an equality
on alertname, a regular expression on alertname, an equality on metric, a regular expression on metric, any other label
or annotation), then by the number of its matchers. A regular expression that matches every text is the weakest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bot.alerts import Alert, Matcher, Operator
from bot.runbook.language.schema import Runbook

Specificity: TypeAlias = tuple[int, int, int]
"""Priority of the runbook, rank of the strongest matcher (0 to 5), and number of matchers."""
ANNOTATION = "annotation."

MOST_ASKED = 3
"""The most runbooks that are asked about one alert."""
_POSITIVE = (Operator.EQUAL, Operator.REGEX)
_MAX_LENGTH = 300
"""The most characters of a label or metric name that are matched, which bounds the time of regular expressions."""
_NO_MATCH: Specificity = (0, 0, 0)
_IMPOSSIBLE_NAME = "\x00 no name is like this \x00"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a runbook matches or does not match an alert."""

    runbook: Runbook
    matches: bool
    matcher: str
    """The alternative that matched, or the closest one."""
    specificity: Specificity
    says: str


@dataclass(frozen=True, slots=True)
class Match:
    """The runbook that matches an alert, and the alternative by which it does."""

    runbook: Runbook
    matcher: str
    specificity: Specificity


@dataclass(frozen=True, slots=True)
class Tie:
    """Runbooks that match an alert with the same specificity, sorted by name."""

    matches: tuple[Match, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(match.runbook.runbook for match in self.matches)

    @property
    def asked(self) -> tuple[Match, ...]:
        """Those that are asked: the first few."""
        return self.matches[:MOST_ASKED]


def explain(runbooks: Iterable[Runbook], alert: Alert) -> list[Explanation]:
    """Explains for every runbook whether it matches the alert, the most specific match first."""
    view = _AlertView(alert.labels, alert.annotations, tuple(name[:_MAX_LENGTH] for name in sorted(alert.metrics)))
    explanations = [_explain(runbook, view) for runbook in runbooks]
    return sorted(explanations, key=lambda each: (each.matches, each.specificity), reverse=True)


def choose(runbooks: Iterable[Runbook], alert: Alert) -> Match | Tie | None:
    """Returns the most specific match, None without a match, or a Tie if several are equally specific."""
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
    """Describes the choice in a sentence."""
    if chosen is None:
        return "No runbook matches the alert."
    if isinstance(chosen, Tie):
        names = " and ".join(chosen.names)
        asked = "both are" if len(chosen.matches) == 2 else f"{len(chosen.asked)} of them are"
        return (
            f"{names} match the alert equally well, so {asked} asked, and the one with the better proved cause leads. "
            "Make one of them more specific."
        )
    kind = " as the fallback" if chosen.runbook.is_fallback else ""
    return f"{chosen.runbook.runbook} matches the alert{kind}, by {chosen.matcher}."


def specificity(entry: tuple[Matcher, ...], priority: int = 0) -> Specificity:
    """Returns the specificity of an alternative; larger is more specific."""
    return priority, max(map(_rank, entry)), len(entry)


def _rank(matcher: Matcher) -> int:
    if matcher.operator not in _POSITIVE or matcher.accepts(_IMPOSSIBLE_NAME):
        return 0
    equal = matcher.operator is Operator.EQUAL
    if matcher.name == "alertname":
        return 5 if equal else 4
    if matcher.name == "metric":
        return 3 if equal else 2
    return 1


@dataclass(frozen=True, slots=True)
class _AlertView:
    """The parts of an alert that matchers are applied to."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    metrics: tuple[str, ...]

    def value(self, name: str) -> str | None:
        """Returns the value of a label or of `annotation.NAME`; None if the alert lacks it."""
        if name.startswith(ANNOTATION):
            return self.annotations.get(name.removeprefix(ANNOTATION))
        return self.labels.get(name)


def _explain(runbook: Runbook, alert: _AlertView) -> Explanation:
    judged = [(entry, [matcher for matcher in entry if not _accepts(matcher, alert)]) for entry in runbook.entries]
    if not judged:
        return Explanation(runbook, False, "", _NO_MATCH, "has no `match`, so it runs only when a person starts it")
    matching = [entry for entry, failed in judged if not failed]
    if not matching:
        entry, failed = min(judged, key=lambda each: len(each[1]) / len(each[0]))
        says = "; ".join(_why_not(matcher, alert) for matcher in failed)
        return Explanation(runbook, False, _text(entry), specificity(entry, runbook.priority), says)
    best = max(matching, key=specificity)
    degree = specificity(best, runbook.priority)
    for exception in runbook.exceptions:
        if all(_accepts(matcher, alert) for matcher in exception):
            says = f"matches by {_text(best)}, but is excluded by `not`: {_text(exception)}"
            return Explanation(runbook, False, _text(best), degree, says)
    priority = f" (priority {runbook.priority})" if runbook.priority else ""
    return Explanation(runbook, True, _text(best), degree, f"matches by {_text(best)}{priority}")


def _accepts(matcher: Matcher, alert: _AlertView) -> bool:
    if matcher.name == "metric":
        if matcher.operator in _POSITIVE:
            return any(map(matcher.accepts, alert.metrics))
        return all(map(matcher.accepts, alert.metrics))
    return matcher.accepts((alert.value(matcher.name) or "")[:_MAX_LENGTH])


def _why_not(matcher: Matcher, alert: _AlertView) -> str:
    if matcher.name == "metric":
        names = ", ".join(alert.metrics[:10])
        return f"{matcher} does not match: " + (
            f"the alert's expression reads {names}" if names else "the alert has no expression"
        )
    value = alert.value(matcher.name)
    kind = "annotation" if matcher.name.startswith(ANNOTATION) else "label"
    return f"{matcher} does not match: the alert has " + (
        f"{matcher.name}={value[:_MAX_LENGTH]!r}" if value is not None else f"no {kind} {matcher.name!r}"
    )


def _text(entry: tuple[Matcher, ...]) -> str:
    return ", ".join(map(str, entry))
