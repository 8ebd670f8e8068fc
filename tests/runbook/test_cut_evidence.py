"""The rule cut-evidence: which conditions conclude an absence or a maximum, and which are true of a part, too."""

from __future__ import annotations

import pytest

from bot.runbook.linting.lint_files import lint_paths
from bot.runbook.linting.rule import EXAMPLE_HEAD

STEPS = """\
gather:
  numbers: mysql.auto_increment
  spaces: mysql.tablespaces
  long: mysql.long_queries
  digests: mysql.statement_digests
"""


def found(when: str, tmp_path) -> bool:
    """Whether the rule reports the condition."""
    cause = f"causes:\n  - id: it\n    when: >-\n      {when}\n    says: It is so.\n"
    (tmp_path / "example.yml").write_text(EXAMPLE_HEAD + STEPS + cause, encoding="utf-8")
    return "cut-evidence" in [each.rule for each in lint_paths([tmp_path], lambda: ()).findings]


@pytest.mark.parametrize(
    "when",
    [
        "not numbers.tables",
        "not numbers.exhausted",
        "numbers.known == 0",
        "numbers.tables | length < 3",
        "not (numbers.tables | length > 3)",
        "spaces.undo > spaces.tables",
        "not (numbers.known > 3 or numbers.exhausted)",
        'not (long.queries | where("user", "==", "app"))',
        "long.queries | length < 4",
        "not long.stoppable",
        "digests.statements and digests.statements[0].share < 50",
    ],
)
def test_an_absence_or_a_maximum_needs_all_of_the_evidence(when, tmp_path):
    assert found(when, tmp_path)


@pytest.mark.parametrize(
    "when",
    [
        "numbers.complete and not numbers.tables",
        "not numbers.tables and not numbers.complete",
        "numbers.tables",
        "numbers.exhausted and numbers.tables[0].used > 90",
        "numbers.known > 3",
        "spaces.undo == 0",
        "not long.queries",
        "long.queries and long.longest < 60",
        "long.queries and long.queries[0].running_for < 60",
        "long.stoppable",
        "digests.statements and digests.statements[0].running > digests.statements[0].calls",
        "not digests.known",
    ],
)
def test_what_a_part_proves_is_proved(when, tmp_path):
    assert not found(when, tmp_path)
