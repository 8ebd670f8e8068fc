"""Expressions can read evidence and nothing else."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field

import pytest

from bot.runbook.expressions.evaluation import MAX_OUTPUT, EvidenceMissing, Missing, evaluate, render
from bot.runbook.expressions.syntax import MAX_SOURCE, ExpressionError, sole_expression


@dataclass(frozen=True, slots=True)
class Session:
    user: str
    age: float


@dataclass(frozen=True, slots=True)
class Evidence:
    errno: int = 1205
    error: str = "Lock wait timeout exceeded"
    lag: float | None = None
    sessions: tuple[Session, ...] = (Session("app", 5.0), Session("batch", 70.0))
    values: dict[str, str] = field(default_factory=lambda: {"read_only": "ON"})

    @property
    def failed(self) -> bool:
        return self.errno > 0

    def dangerous(self) -> str:
        return "called"


SCOPE = {"replica": Evidence(), "broken": Missing("broken", "access denied"), "inputs": {"limit": 30.0}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("replica.errno == 1205", True),
        ("replica.errno in [1205, 1213] and not replica.lag is known", True),
        ("replica.failed", True),
        ("replica.values.read_only", "ON"),
        ("replica.values['read_only']", "ON"),
        ("replica.sessions[0].user", "app"),
        ("replica.sessions[1].age > inputs.limit", True),
        ("replica.sessions | where('age', '>', 30) | pick('user')", ["batch"]),
        ("replica.sessions | pick('age') | max", 70.0),
        ("(replica.sessions | largest('age')).user", "batch"),
        ("replica.sessions | length", 2),
        ("'timeout' in replica.error", True),
        ("replica.errno + 1", 1206),
        ("'stopped' if replica.failed else 'running'", "stopped"),
        ("replica.lag | default(0)", 0),
    ],
)
def test_an_expression_reads_evidence_and_returns_native_types(source, value):
    assert evaluate(source, SCOPE) == value


def test_text_from_a_server_is_never_evaluated():
    scope = {"step": Evidence(error="1205")}
    assert evaluate("step.error", scope) == "1205"
    assert render("{{ step.error }}", {"step": Evidence(error="{{ 7 * 7 }}")}) == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    "source", ["broken.errno", "broken == 1", "broken is known", "broken", "not broken", "1 in broken", "[broken]"]
)
def test_reading_missing_evidence_raises_the_step_and_the_reason(source):
    with pytest.raises(EvidenceMissing, match="broken: access denied"):
        evaluate(source, SCOPE)


def test_a_short_circuited_condition_does_not_read_missing_evidence():
    assert evaluate("replica.errno == 0 and broken.errno", SCOPE) is False


@pytest.mark.parametrize(
    "source",
    [
        "replica.__class__",
        "replica['__class__']",
        "replica['__cl' ~ 'ass__']",
        "replica.dangerous",
        "replica.dangerous()",
        "replica.error.upper",
        "replica.error.format",
        "replica.sessions.append",
        "replica.values.keys",
        "''.__class__.__mro__",
        "[].__class__",
        "inputs.__init__",
        "self",
        "self.__init__",
        "cycler",
        "lipsum",
        "joiner()",
        "namespace()",
        "dict(a=1)",
        "range(10)",
        "range(100000000)",
        "replica | attr('__class__')",
        "replica.sessions | map(attribute='__class__')",
        "replica.sessions | pick('__class__')",
        "replica.sessions | where('__class__')",
        "'%s' | format(replica)",
        "'%s' % replica",
        "'%999999999d' % 1",
        "{'a': 1}",
        "_private",
    ],
)
def test_only_fields_are_accessible(source):
    with pytest.raises(ExpressionError):
        evaluate(source, SCOPE)


@pytest.mark.parametrize(
    "source",
    [
        "'a' * 1000000000",
        "1000000000 * 'a'",
        "[1] * 1000000000",
        "9 ** 9 ** 9",
        "2 ** 1000000",
        "1e300 * 1e300",
        "1e999",
        "replica.error | replace('e', 'eeeeeeeeee')",
        "replica.error | center(1000000000)",
        "(" * 500 + "1" + ")" * 500,
        "[" * 900,
        "-" * (MAX_SOURCE - 1) + "1",
        "not " * 490 + "1",
        "1+" * 990 + "1",
        "x." * 900 + "y",
        "1" * (MAX_SOURCE + 1),
        "{% for x in [1] %}{% endfor %}",
        "1 {# comment #}",
        "1 2",
        "1 if",
        "",
    ],
)
def test_expressions_that_multiply_output_or_loop_are_rejected_without_using_memory(source):
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionError):
            evaluate(source, SCOPE)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_rendered_text_has_a_length_limit():
    text = render("{{ a }}" * 100, {"a": "x" * 100_000})
    assert len(text) == MAX_OUTPUT
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("lag {{ lag }}", "lag unknown"),
        ("{{ 3.0 }} of {{ 2.5 }}", "3 of 2.5"),
        ("{{ 75 | duration }}", "1 min 15 s"),
        ("{{ 7500 | duration }}", "2 h 5 min"),
        ("{{ 1536 | bytes }}", "1.5 KiB"),
        ("{{ 1 | plural('thread') }}, {{ 3 | plural('thread') }}", "1 thread, 3 threads"),
        ("{{ yes }}", "yes"),
        ("{{ users | join }}", "app, batch"),
        ("{{ long | shorten(10) }}", "xxxxxxxxx…"),
    ],
)
def test_values_are_formatted_for_people(source, text):
    scope = {"lag": None, "yes": True, "users": ["app", "batch"], "long": "x" * 50}
    assert render(source, scope) == text


def test_text_inserted_into_promql_cannot_end_its_string():
    query = render('up{instance="{{ name }}"}', {"name": 'a"} or vector(1) or up{b="\n\\'}, promql=True)
    assert query == 'up{instance="a\\"} or vector(1) or up{b=\\"\\n\\\\"}'


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ broken.error }}", "unknown"),
        ("{{ broken.sessions[0].user }}", "unknown"),
        ("{{ broken.sessions | where('age', '>', 5) | pick('user') | join }}", "unknown"),
        ("{{ broken.age | duration }}", "unknown"),
        ("{{ broken.error or replica.error }}", "Lock wait timeout exceeded"),
        ("{{ broken.error.__class__ if false else 1 }}", None),
        ("{{ replica.nope }}", None),
        ("{{ nobody }}", None),
    ],
)
def test_lenient_rendering_replaces_only_missing_evidence_by_unknown(source, text):
    if text is None:
        with pytest.raises(ExpressionError):
            render(source, SCOPE, lenient=True)
    else:
        assert render(source, SCOPE, lenient=True) == text


def test_ordering_null_raises_an_error_that_names_null():
    with pytest.raises(ExpressionError, match="is NULL"):
        evaluate("replica.lag > 5", SCOPE)


def test_reading_a_missing_item_raises_an_error():
    with pytest.raises(ExpressionError, match="no item 7"):
        evaluate("replica.sessions[7].user", SCOPE)


@pytest.mark.parametrize(
    ("written", "inner"),
    [
        ("{{ a.b }}", "a.b"),
        ("  {{a}} ", "a"),
        ("x {{ a }}", None),
        ("{{ a }}{{ b }}", None),
        ("{{ a }} and {{ b }}", None),
        ("plain", None),
    ],
)
def test_only_a_sole_expression_keeps_its_type(written, inner):
    assert sole_expression(written) == inner


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (
            "It ends after {{ gone.a }} s for a row, {{ gone.b }} ms for a table.",
            "an unknown time for a row, an unknown time for",
        ),
        ("The CPUs are {{ gone.busy }} % busy, {{ gone.written }}/s.", "are unknown busy, unknown."),
        ("{{ gone.a }} sessions", "unknown sessions"),
    ],
)
def test_an_unknown_value_has_no_unit(template: str, says: str):
    assert says in render(template, {"gone": Missing("gone", "it failed")}, lenient=True)
