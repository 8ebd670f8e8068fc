"""Finds the runbook, and the matcher, for every alerting rule of Prometheus rule files. Pure.

A rule file contains the name, the expression, the fixed labels and the annotations of an alert. It does not contain the
labels of the series (instance, job), so a matcher on one of those does not match here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.alerts import Alert, AlertStatus
from bot.errors import WrongUsage
from bot.runbook.language.schema import Runbook
from bot.runbook.matching.match import Tie, choose

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CoverageKind(StrEnum):
    """How an alerting rule is covered."""

    SPECIFIC = "specific"
    FALLBACK = "fallback"
    TIE = "tie"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An alerting rule, and its file."""

    file: str
    alert: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def fired(self) -> Alert:
        """Returns the alert that this rule fires, as far as the file defines it."""
        url = f"http://prometheus/graph?{urlencode({'g0.expr': self.expression})}"
        labels = {**self.labels, "alertname": self.alert}
        return Alert(labels, AlertStatus.FIRING, _EPOCH, annotations=self.annotations, generator_url=url)


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """An alerting rule, and the runbook that matches it."""

    rule: AlertingRule
    verdict: CoverageKind
    runbook: str | None = None
    matcher: str | None = None
    tie: tuple[str, ...] = ()
    """The runbooks that match with the same specificity; the first few of them are asked."""


def rule_coverage(runbooks: Sequence[Runbook], rules: Iterable[AlertingRule]) -> list[RuleCoverage]:
    """Returns the coverage of every rule."""
    return [_coverage_of(runbooks, rule) for rule in rules]


def _coverage_of(runbooks: Sequence[Runbook], rule: AlertingRule) -> RuleCoverage:
    chosen = choose(runbooks, rule.fired())
    if chosen is None:
        return RuleCoverage(rule, CoverageKind.NONE)
    if isinstance(chosen, Tie):
        return RuleCoverage(rule, CoverageKind.TIE, tie=chosen.names)
    verdict = CoverageKind.FALLBACK if chosen.runbook.is_fallback else CoverageKind.SPECIFIC
    return RuleCoverage(rule, verdict, chosen.runbook.runbook, chosen.matcher)


def _text(value: object) -> object:
    """Converts a number or a boolean, which Prometheus reads as text, to text."""
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int | float) else value


_Texts = Mapping[str, Annotated[str, BeforeValidator(_text)]]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True)

    alert: Annotated[str, Field(max_length=1000)] | None = None
    expr: Annotated[str, BeforeValidator(_text)] = ""
    labels: _Texts | None = None
    annotations: _Texts | None = None


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True)

    rules: tuple[_Rule, ...] | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    groups: tuple[_Group, ...]


def rules_of(document: Any, file: str) -> Iterator[AlertingRule]:  # noqa: ANN401 - a YAML value
    """Yields the alerting rules of a rule file or of a Kubernetes PrometheusRule; raises WrongUsage."""
    content = (
        document.get("spec") if isinstance(document, dict) and document.get("kind") == "PrometheusRule" else document
    )
    try:
        rule_file = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise WrongUsage(f"{file} is not a Prometheus rule file: {where}: {first['msg']}.") from error
    for group in rule_file.groups:
        for rule in group.rules or ():
            if rule.alert is not None:
                yield AlertingRule(file, rule.alert, rule.expr, rule.labels or {}, rule.annotations or {})
