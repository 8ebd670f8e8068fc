"""Arbitrary input results in findings: no other error, no endless loop, no excessive memory, no output."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, evaluate, render
from bot.runbook.expressions.syntax import MAX_SOURCE, syntax_tree
from bot.runbook.language.findings import RunbookRefused
from bot.runbook.language.matcher_syntax import parse_alternative
from bot.runbook.language.positioned_document import decode
from bot.runbook.library.load_runbooks import load_file, shipped_folder
from bot.runbook.linting.lint_text import lint_text
from bot.runbook.linting.rules import RULES

pytestmark = pytest.mark.slow

SHIPPED = sorted(path.read_text(encoding="utf-8") for path in shipped_folder().rglob("*.yml"))
MODERATE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
"""Reproducible examples: a new failure must not appear in an unrelated commit."""
FEW = settings(MODERATE, max_examples=40)


def pieces(*spaced: str, also: str = "") -> st.SearchStrategy[str]:
    """The parts of the text `also`, which have no blanks, and those that do."""
    return st.sampled_from([*spaced, *also.split()])


YAML_PIECES = pieces(
    ": ", "- ", "- - ", " *a", "<<: ", "!!python/x ", "? ", "%YAML 1.2", "\n", "\n  ", "---\n", "...\n", "| ", "\t",
    "\x85", "\ufeff", "\u2028", "\U0001f600", "when: ", "match: ", "{% for x in y %}",
    also="a gather : [ ] { } , &a >- ' \" # ~ 1e999 0x .inf 2026-01-01 {{ }}",
)  # fmt: skip
EXPRESSION_PIECES = pieces(
    " and ", " or ", " not ", " in ", " is ", " if ", " else ", " is known", " | length", " | where('a', '>', 1)",
    " | duration", " | largest('lag')", " | plural('x')", " | pick('a')", " | round", "\x00", "true", "none",
    also="replica .lag .a ['a'] [0] [-1:] [::0] ( ) [ ] { } 1 0 1e308 - + * / // % ** ~ | == < 'a' '%9999d' , missing "
    "rows .__class__ \\ é",
)  # fmt: skip
TEMPLATE_PIECES = EXPRESSION_PIECES | st.sampled_from(["{{ ", " }}", "{%", "%}", "{#", "text"])
SCOPE = {
    "replica": {"lag": 5.0, "a": "x"},
    "rows": [{"a": 1, "lag": None}, {"a": 2, "lag": 3.0}],
    "missing": Missing("missing", "it failed"),
}


def found_in(text: str) -> None:
    """Lints a text and asserts that every finding has a known rule and a position."""
    for finding in lint_text(text, "arbitrary.yml").findings:
        assert finding.rule in RULES
        assert finding.line >= 1
        assert finding.column >= 1
        assert "\n" not in finding.message


@MODERATE
@given(st.text(max_size=2000))
def test_any_text_is_linted(text: str):
    found_in(text)


@MODERATE
@given(st.lists(YAML_PIECES, max_size=60).map("".join))
def test_any_sequence_of_yaml_tokens_is_linted(text: str):
    found_in(text)


@MODERATE
@given(st.binary(max_size=2000))
def test_any_bytes_are_decoded_or_rejected_with_a_finding(raw: bytes):
    try:
        assert isinstance(decode(raw, "arbitrary.yml"), str)
    except RunbookRefused:
        return


@FEW
@given(
    st.sampled_from(SHIPPED),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), YAML_PIECES | EXPRESSION_PIECES), max_size=4),
)
def test_a_damaged_runbook_is_linted(text: str, damage: list[tuple[float, str]]):
    for place, piece in damage:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + len(piece) // 2 :]
    found_in(text)


@settings(MODERATE, max_examples=400)
@given(st.lists(EXPRESSION_PIECES, max_size=12).map("".join))
def test_any_expression_has_a_value_or_an_expression_error(source: str):
    try:
        evaluate(source, SCOPE)
    except (ExpressionError, EvidenceMissing):
        return


@settings(MODERATE, max_examples=300)
@given(st.lists(TEMPLATE_PIECES, max_size=16).map("".join))
def test_any_template_renders_or_raises_an_expression_error(source: str):
    for lenient in (False, True):
        try:
            assert len(render(source, SCOPE, lenient=lenient)) <= 3000
        except (ExpressionError, EvidenceMissing):
            continue


@MODERATE
@given(st.text(max_size=300) | st.lists(st.text(max_size=50), max_size=5) | st.integers() | st.none())
def test_any_matcher_parses_or_raises_a_value_error(written: object):
    try:
        matchers = parse_alternative(written)
    except ValueError:
        return
    for matcher in matchers:
        assert matcher.accepts("a" * 300) in (True, False)


BOMBS = {
    "billion laughs": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "itself": "a: &a [*a]\n",
    "merge keys": "a: &a {x: 1}\nb: {<<: *a}\n",
    "tags": "a: !!python/object/apply:os.system ['true']\n",
    "depth of lists": "a: " + "[" * 20_000,
    "depth of mappings": "".join("  " * n + "a:\n" for n in range(400)),
    "many keys": "".join(f"k{n}: 1\n" for n in range(20_000)),
    "long scalar": f"a: '{'x' * 200_000}'\n",
    "many documents": "---\na: 1\n" * 1000,
    "duplicate keys": "title: a\ntitle: b\n",
    "tabs": "a:\n\tb: 1\n",
    "depth of an expression": "runbook: a\ntitle: t\nowner: o\ngather: {r: mysql.replica_status}\ncauses:\n"
    f"  - {{id: a, says: s, when: '{'(' * 900}1{')' * 900}'}}\n",
    "depth without brackets": "runbook: a\ntitle: t\nowner: o\ngather: {r: mysql.replica_status}\ncauses:\n"
    f"  - {{id: a, says: s, when: '{'not ' * 490}true'}}\n",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_yaml_bomb_is_rejected_with_little_memory(text: str):
    tracemalloc.start()
    try:
        findings = lint_text(text, "bomb.yml").findings
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert findings
    assert peak < 60_000_000


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("runbook: ä".encode("utf-16"), "not-utf8"),
        ("runbook: ä".encode("latin-1"), "not-utf8"),
        (b"\xef\xbb\xbf\xff", "not-utf8"),
        (b"x" * 10_000_000, "too-large"),
        (b"", "wrong-value"),
        (b"\x00\x01", None),
    ],
)
def test_a_file_of_another_type_has_a_finding(tmp_path: Path, raw: bytes, rule: str | None):
    path = tmp_path / "arbitrary.yml"
    path.write_bytes(raw)
    with pytest.raises(RunbookRefused) as refused:
        load_file(path)
    assert rule is None or [finding.rule for finding in refused.value.findings] == [rule]


GROWING = [
    "'a' * 1000000000",
    "[1] * 1000000000",
    "2 ** 2 ** 30",
    "10 ** 100000000",
    "'%0999999999d' % 1",
    "'a' | center(1000000000)",
    "'a' | replace('a', 'a' * 99)",
    "range(1000000000)",
    "'a'.join(rows)",
    "rows | sum",
    "'' | format",
    "replica.__class__.__mro__",
    "rows[0].__init__.__globals__",
    "''['__class__']",
    "replica | attr('__class__')",
    "self",
    "cycler",
    "lipsum(10000)",
    "namespace()",
    "().__class__.__bases__[0].__subclasses__()",
]


@pytest.mark.parametrize("source", GROWING)
def test_expressions_that_multiply_output_or_escape_are_rejected_before_evaluation(source: str):
    with pytest.raises(ExpressionError):
        evaluate(source, SCOPE)


@pytest.mark.parametrize(
    "source",
    [
        "{% for x in rows %}{% endfor %}",
        "{% set x = 1 %}",
        "{% include 'a' %}",
        "{% raw %}{{ a }}{% endraw %}",
        "{% macro a() %}{% endmacro %}",
        "{{ a",
        "{% if %}",
        "{{ '" + "a" * MAX_SOURCE + "' }}",
    ],
)
def test_statements_in_templates_are_rejected(source: str):
    with pytest.raises(ExpressionError):
        syntax_tree(source, template=True)


def test_rendered_text_is_truncated():
    rows = ["x" * 1_000_000] * 9
    assert len(render("{{ rows[0] }}" * 9, {"rows": rows})) == 3000
