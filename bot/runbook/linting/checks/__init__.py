"""What holds a runbook against the catalog of actions and against itself: one file per part of the document. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.checks.causes import check_causes
from bot.runbook.linting.checks.gather import check_gather
from bot.runbook.linting.checks.inputs import check_inputs
from bot.runbook.linting.checks.reach import check_reach
from bot.runbook.linting.checks.remedies import check_remedies
from bot.runbook.linting.checks.shows import check_shows
from bot.runbook.linting.checks.tests import check_tests
from bot.runbook.linting.checks.usage import check_usage

CHECKS: tuple[Callable[[Runbook], Iterator[Problem]], ...] = (
    check_inputs,
    check_gather,
    check_shows,
    check_causes,
    check_remedies,
    check_tests,
)
"""Each looks at one part of a runbook that fits the schema."""
ADVICE: tuple[Callable[[Runbook], Iterator[Problem]], ...] = (check_usage, check_reach)
"""Each looks at the whole of it; all that they find are warnings."""


def check(runbook: Runbook, *, advice: bool = True) -> list[Problem]:
    """Returns everything that is wrong with a runbook that fits the schema; without `advice`, the errors among it."""
    return [problem for each in (*CHECKS, *(ADVICE if advice else ())) for problem in each(runbook)]
