"""Rubbish of every kind becomes findings: nothing else is raised, and nothing loops, grows or writes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, evaluate, render
from bot.runbook.expressions.syntax import MAX_SOURCE, tree_of
from bot.runbook.language.document import decode
from bot.runbook.language.findings import RULES, RunbookRefused
from bot.runbook.language.matcher_syntax import entry
from bot.runbook.library.load import load_file, shipped_folder
from bot.runbook.linting.examine import examine

pytestmark = pytest.mark.slow

SHIPPED = sorted(path.read_text(encoding="utf-8") for path in shipped_folder().rglob("*.yml"))
MODERATE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
"""The same rubbish each time: a run that finds something new belongs to who looks for it, not to the next commit."""
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
    """Examines a text; whatever is found has a known rule and a place."""
    for finding in examine(text, "rubbish.yml").findings:
        assert finding.rule in RULES
        assert finding.line >= 1
        assert finding.column >= 1
        assert "\n" not in finding.says


@MODERATE
@given(st.text(max_size=2000))
def test_any_text_is_examined(text: str):
    found_in(text)


@MODERATE
@given(st.lists(YAML_PIECES, max_size=60).map("".join))
def test_any_text_of_yamls_own_parts_is_examined(text: str):
    found_in(text)


@MODERATE
@given(st.binary(max_size=2000))
def test_any_bytes_are_text_or_a_finding(raw: bytes):
    try:
        assert isinstance(decode(raw, "rubbish.yml"), str)
    except RunbookRefused:
        return


@FEW
@given(
    st.sampled_from(SHIPPED),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), YAML_PIECES | EXPRESSION_PIECES), max_size=4),
)
def test_a_runbook_that_was_damaged_anywhere_is_examined(text: str, damage: list[tuple[float, str]]):
    for place, piece in damage:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + len(piece) // 2 :]
    found_in(text)


@settings(MODERATE, max_examples=400)
@given(st.lists(EXPRESSION_PIECES, max_size=12).map("".join))
def test_any_expression_has_a_value_or_says_why_not(source: str):
    try:
        evaluate(source, SCOPE)
    except (ExpressionError, EvidenceMissing):
        return


@settings(MODERATE, max_examples=300)
@given(st.lists(TEMPLATE_PIECES, max_size=16).map("".join))
def test_any_template_is_text_or_says_why_not(source: str):
    for forgiving in (False, True):
        try:
            assert len(render(source, SCOPE, forgiving=forgiving)) <= 3000
        except (ExpressionError, EvidenceMissing):
            continue


@MODERATE
@given(st.text(max_size=300) | st.lists(st.text(max_size=50), max_size=5) | st.integers() | st.none())
def test_any_matcher_parses_or_says_why_not(written: object):
    try:
        matchers = entry(written)
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
def test_a_bomb_is_a_finding_and_takes_little_memory(text: str):
    tracemalloc.start()
    try:
        findings = examine(text, "bomb.yml").findings
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
def test_a_file_of_the_wrong_kind_is_a_finding(tmp_path: Path, raw: bytes, rule: str | None):
    path = tmp_path / "rubbish.yml"
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
def test_what_would_grow_or_reach_out_is_refused_before_it_runs(source: str):
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
def test_a_template_has_no_statements(source: str):
    with pytest.raises(ExpressionError):
        tree_of(source, template=True)


def test_a_template_that_renders_megabytes_is_cut():
    rows = ["x" * 1_000_000] * 9
    assert len(render("{{ rows[0] }}" * 9, {"rows": rows})) == 3000
