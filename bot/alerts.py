"""Alerts as Firstmate holds them, whatever source they came from; and Alertmanager's matcher syntax. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Protocol, cast
from urllib.parse import parse_qs, urlsplit

import re2

from bot.errors import WrongUsage

ALERTMANAGER = "alertmanager"
"""The source whose webhook is /alerts/alertmanager."""
ASKED = ""
"""The source of an alert that a person described; nobody sent it."""


class AlertStatus(StrEnum):
    """Whether an alert still fires."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: its labels are its identity, `starts_at` tells this firing from an earlier one."""

    labels: Mapping[str, str]
    status: AlertStatus
    starts_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    ends_at: datetime | None = None
    generator_url: str = ""
    source: str = ALERTMANAGER
    """Who sent it, as in the path of its webhook. Silences and questions go there alone.

    The default is that of stored alerts without the field: earlier versions had no other source.
    """

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")

    @property
    def fingerprint(self) -> str:
        """A digest of the labels, the same for every source that sends the same labels."""
        text = "\xff".join(f"{name}\xfe{value}" for name, value in sorted(self.labels.items()))
        return sha256(text.encode()).hexdigest()[:16]

    @property
    def metrics(self) -> frozenset[str]:
        """Names of metrics in the alert's own expression, which Prometheus puts into generatorURL (`g0.expr`)."""
        return metrics_of(expression_of(self.generator_url))


def expression_of(generator_url: str) -> str:
    """The PromQL that a generatorURL carries, or an empty string."""
    try:
        query = urlsplit(generator_url).query
    except ValueError:
        return ""
    return parse_qs(query).get("g0.expr", [""])[0]


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_BRACES = re.compile(r"\{[^{}]*\}")
_NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")
_WORDS = frozenset(
    {
        "and",
        "or",
        "unless",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "offset",
        "bool",
        "inf",
        "nan",
        "atan2",
    }
)
_CLAUSE = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", re.IGNORECASE)


def metrics_of(expression: str) -> frozenset[str]:
    """Names of the metrics that a PromQL expression reads; labels, functions and durations are not metrics."""
    text = _STRING.sub('""', expression[:20_000])
    text = _BRACES.sub(" ", text)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    text = _CLAUSE.sub(" ", text)
    return frozenset(name for name in _NAME.findall(text) if name.lower() not in _WORDS)


class Operator(StrEnum):
    """The four operators of Alertmanager's matchers."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


class _Pattern(Protocol):
    def fullmatch(self, text: str) -> object | None: ...


@lru_cache(maxsize=8192)
def _compiled(expression: str) -> _Pattern:
    """A regular expression of RE2, as Alertmanager's are: none takes longer than its text is; raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    return cast(_Pattern, re2.compile(expression, options))


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher, e.g. `alertname=~"MySQL.*"`; regular expressions are anchored, as Alertmanager's are."""

    name: str
    operator: Operator
    value: str

    def accepts(self, value: str) -> bool:
        """Whether this value of the label fits; a label that is absent has the value ''."""
        if self.operator in (Operator.REGEX, Operator.NOT_REGEX):
            return (_compiled(self.value).fullmatch(value) is not None) == (self.operator is Operator.REGEX)
        return (value == self.value) == (self.operator is Operator.EQUAL)

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name} {self.operator.value} "{escaped}"'


_MATCHER = re.compile(
    r'^\s*(?P<name>[a-zA-Z_:][\w:.-]*)\s*(?P<op>=~|!~|!=|=)\s*(?P<value>"(?:[^"\\]|\\.)*"|[^"\s{}!=~,\\`\']+)\s*$'
)


def parse_matcher(text: str) -> Matcher:
    """Parses one matcher in Alertmanager's syntax; raises WrongUsage with the text and what is expected."""
    found = _MATCHER.match(text)
    if found is None:
        raise WrongUsage(f'{text!r} is not a matcher; write it as Alertmanager does, e.g. alertname =~ "MySQL.*Lag".')
    value = found["value"]
    if value.startswith('"'):
        value = re.sub(r'\\(["\\n])', lambda m: {"n": "\n"}.get(m[1], m[1]), value[1:-1])
    operator = Operator(found["op"])
    if operator in (Operator.REGEX, Operator.NOT_REGEX):
        try:
            _compiled(value)
        except re2.error as error:
            says = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
            raise WrongUsage(
                f"{text!r}: the regular expression does not compile ({says}); it is RE2's, as in Alertmanager."
            ) from error
    return Matcher(found["name"], operator, value)


_LABEL = re.compile(r'\s*(?P<name>[a-zA-Z_][\w]*)\s*=\s*(?P<value>"(?:[^"\\]|\\.)*"|(?:[^,\\]|\\.)*)\s*(?:,|$)')


def parse_labels(text: str) -> dict[str, str]:
    """Parses the labels of an alert as people write them: `name=value,name="a, b"`, in braces or not.

    A comma outside of quotes is written `\\,`. Raises WrongUsage with an example.
    """
    bare = text.translate(_QUOTES).strip()
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1]
    labels: dict[str, str] = {}
    at = 0
    while at < len(bare):
        found = _LABEL.match(bare, at)
        if found is None:
            raise WrongUsage(f"{bare[at:][:100]!r} is not a label; write alertname=MySQLDown,instance=db1:3306.")
        value = found["value"].strip()
        labels[found["name"]] = re.sub(r"\\(.)", r"\1", value[1:-1] if value.startswith('"') else value)
        at = found.end()
    if not labels:
        raise WrongUsage("There are no labels; write alertname=MySQLDown,instance=db1:3306.")
    return labels


_QUOTES = str.maketrans({"“": '"', "”": '"'})
"""Slack and word processors turn quotes into these."""
