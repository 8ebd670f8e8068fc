"""Every lint rule: its passing example has no finding, its failing example has a finding of this rule only."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bot
from bot.policy_lint import lint_policy
from bot.runbook.language.positioned_document import read
from bot.runbook.linting.lint_files import lint_paths
from bot.runbook.linting.rule import EXAMPLE_HEAD, Rule
from bot.runbook.linting.rules import RULES

TOP = Path(bot.__file__).parents[1]
RULE_FILES = TOP / "bot/runbook/linting/rules"
_FILE = re.compile(r"^# FILE (\S+)\n", re.MULTILINE)
NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
WITHOUT_FAILING_EXAMPLE = {"unreadable-file", "not-utf8", "too-large"}
"""Rules whose violation is in the bytes or the size of the file; see test_mistakes.py."""


def rules_found(rule: Rule, example: str, folder: Path) -> list[str]:
    """The rules of all findings in an example."""
    if rule.reported_by == "bot.policy_lint":
        return [each.rule for each in lint_policy(read(example, "policy.yml"), ["orders-1"], NOW)]
    parts = _FILE.split(example)
    files = dict(zip(parts[1::2], parts[2::2], strict=True)) or {"example.yml": EXAMPLE_HEAD + example}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [each.rule for each in lint_paths([folder], lambda: ()).findings]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_passing_example_has_no_finding(rule: Rule, tmp_path: Path):
    assert rules_found(rule, rule.passing, tmp_path) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_failing_example_violates_this_rule_only(rule: Rule, tmp_path: Path):
    if rule.id in WITHOUT_FAILING_EXAMPLE:
        assert rule.failing == ""
    else:
        assert set(rules_found(rule, rule.failing, tmp_path)) == {rule.id}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_a_rule_has_one_check_or_names_the_module_that_reports_it(rule: Rule):
    checks = [each for each in (rule.check, rule.check_folder, rule.check_library) if each is not None]
    assert len(checks) + bool(rule.reported_by) == 1
    if rule.reported_by:
        assert (TOP / rule.reported_by.replace(".", "/")).with_suffix(".py").is_file()


def test_every_rule_is_in_the_file_of_its_name():
    files = {path.stem.replace("_", "-") for path in RULE_FILES.glob("*.py")} - {"--init--"}
    assert files == RULES.keys()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_the_documentation_lists_the_rule(rule: Rule):
    page = (TOP / "docs/runbooks.md").read_text(encoding="utf-8")
    assert f"| `{rule.id}` | {rule.severity.value} | {rule.description} |" in page
