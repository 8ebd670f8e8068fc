"""Holds the alerts of Prometheus rule files against the runbooks: which one answers each, and by which matcher. Pure.

A rule file knows the name, the expression, the fixed labels and the annotations of an alert. The labels that come from
the series (instance, job) are not in it, so a matcher that asks for one of them does not hold here.
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
    """How an alert is answered."""

    SPECIFIC = "specific"
    FALLBACK = "fallback"
    TIE = "tie"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule, and the file that it stands in."""

    file: str
    alert: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def fired(self) -> Alert:
        """The alert that this rule would send, as far as the file tells."""
        url = f"http://prometheus/graph?{urlencode({'g0.expr': self.expression})}"
        labels = {**self.labels, "alertname": self.alert}
        return Alert(labels, AlertStatus.FIRING, _EPOCH, annotations=self.annotations, generator_url=url)


@dataclass(frozen=True, slots=True)
class Covered:
    """One rule, and what answers it."""

    rule: Rule
    verdict: CoverageKind
    runbook: str | None = None
    matcher: str | None = None
    tie: tuple[str, ...] = ()
    """The runbooks that answer equally well, so that none does."""


def covered(runbooks: Sequence[Runbook], rules: Iterable[Rule]) -> list[Covered]:
    """Tells for every rule which runbook answers it."""
    return [_covered(runbooks, rule) for rule in rules]


def _covered(runbooks: Sequence[Runbook], rule: Rule) -> Covered:
    found = choose(runbooks, rule.fired())
    if found is None:
        return Covered(rule, CoverageKind.NONE)
    if isinstance(found, Tie):
        return Covered(rule, CoverageKind.TIE, tie=found.names)
    verdict = CoverageKind.FALLBACK if found.runbook.is_fallback else CoverageKind.SPECIFIC
    return Covered(rule, verdict, found.runbook.runbook, found.matcher)


def _text(value: object) -> object:
    """A label may stand in YAML as a number or a boolean, which Prometheus reads as text."""
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


def rules_of(document: Any, file: str) -> Iterator[Rule]:  # noqa: ANN401 - whatever YAML holds
    """The alerting rules of a rule file, or of a PrometheusRule of Kubernetes; raises WrongUsage."""
    held = document.get("spec") if isinstance(document, dict) and document.get("kind") == "PrometheusRule" else document
    try:
        read = _File.model_validate(held)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise WrongUsage(f"{file} is no Prometheus rule file: {where}: {first['msg']}.") from error
    for group in read.groups:
        for rule in group.rules or ():
            if rule.alert is not None:
                yield Rule(file, rule.alert, rule.expr, rule.labels or {}, rule.annotations or {})
