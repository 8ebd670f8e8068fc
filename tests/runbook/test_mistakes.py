"""Every lint rule reports its mistakes at their lines, and nothing else is reported.

A file of mistakes/ marks the line with `# <- RULE` at its end or, if the line cannot have a comment, with
`# expect: RULE at LINE:COLUMN` at the top of the file. A folder contains runbooks that conflict with each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.runbook.language.positioned_document import MAX_BYTES
from bot.runbook.linting.lint_files import LintReport, lint_paths
from bot.runbook.linting.rules import RULES

MISTAKES = Path(__file__).parent / "mistakes"
CASES = sorted(path for path in MISTAKES.iterdir())
_MARKED = re.compile(r"# <- ([a-z0-9-]+)\s*$")
_EXPECTED = re.compile(r"# expect: ([a-z0-9-]+) at (\d+):(\d+)")


def linted(path: Path) -> LintReport:
    return lint_paths([path], lambda: ())


def marks(path: Path) -> list[tuple[str, str, int, int | None]]:
    """Returns file, rule, line and, if given, column of each expected finding."""
    found: list[tuple[str, str, int, int | None]] = []
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").split("\n"), 1):
        if marked := _MARKED.search(line):
            found.append((str(path), marked[1], number, None))
        elif expected := _EXPECTED.match(line):
            found.append((str(path), expected[1], int(expected[2]), int(expected[3])))
    return found


def expected_of(case: Path) -> list[tuple[str, str, int, int | None]]:
    files = sorted(case.rglob("*.y*ml")) if case.is_dir() else [case]
    return [mark for file in files for mark in marks(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_mistake_is_reported_at_its_line_and_nothing_else_is(case: Path):
    expected = expected_of(case)
    assert expected, "the file marks no line"
    found = linted(case).findings
    assert [(each.file, each.rule, each.line) for each in found] == [each[:3] for each in expected], found
    for finding, (_, _, _, column) in zip(found, expected, strict=True):
        assert column in (None, finding.column), finding


POLICY_RULES = {"duplicate-freeze", "past-freeze", "unknown-shard"}
"""Rules that tests/test_policy_lint.py covers."""


def _too_large(path: Path) -> None:
    path.write_bytes(b"# \n" * MAX_BYTES)


def _unreadable(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


MADE: Mapping[str, Callable[[Path], None]] = {
    "too-large": _too_large,
    "unreadable-file": _unreadable,
}
"""Mistakes that are generated, because they should not be in a repository."""


@pytest.mark.parametrize(("rule", "made"), MADE.items(), ids=MADE.keys())
def test_an_unusable_file_is_reported(rule: str, made: Callable[[Path], None], tmp_path: Path):
    path = tmp_path / "it.yml"
    made(path)
    assert [(each.rule, each.line, each.column) for each in linted(path).findings] == [(rule, 1, 1)]


def test_every_rule_has_at_least_one_mistake():
    shown = {rule for case in CASES for _, rule, _, _ in expected_of(case)} | MADE.keys()
    assert shown | POLICY_RULES == RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_the_description_of_a_rule_is_one_short_sentence(name: str):
    assert re.fullmatch(r"[A-Z].*[\w`)]\.", RULES[name].description)
    assert len(RULES[name].description) <= 110
