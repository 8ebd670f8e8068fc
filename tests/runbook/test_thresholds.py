"""What a threshold filtered out is not absent: a cause that finds nothing names the threshold of what it read."""

from __future__ import annotations

import re

import pytest

from bot.runbook.language.schema import Cause, Runbook
from bot.runbook.library.load_runbooks import load_folders, shipped_folder

RUNBOOKS = load_folders([shipped_folder()]).runbooks
CAUSES = [pytest.param(book, cause, id=f"{book.runbook}:{cause.id}") for book in RUNBOOKS for cause in book.causes]
THRESHOLDS = ("older_than", "above")
"""Parameters of diagnostics from which on something is returned."""
UNFILTERED = ("full", "serving", "pools", "waiting")
"""Fields of such diagnostics to which their threshold does not apply: the pools of vitess.pools."""


def threshold(runbook: Runbook, step: str) -> str:
    """The threshold of a step as the runbook writes it; '' without one, or if it lets everything through."""
    values = [str(value) for name, value in runbook.gather[step].parameters.items() if name in THRESHOLDS]
    return next((value for value in values if not re.fullmatch(r"0(\.0)?\s*[a-z%]*", value)), "")


def finds_nothing_in(cause: Cause, step: str) -> bool:
    """Whether the condition needs a list of the step to be empty."""
    fields = re.findall(rf"not {step}\.(\w+)(?![\w\[.])|{step}\.(\w+) \| length == 0", cause.when or "")
    return any((first or second) not in UNFILTERED for first, second in fields)


@pytest.mark.parametrize(("runbook", "cause"), CAUSES)
def test_a_cause_that_finds_nothing_names_the_threshold(runbook: Runbook, cause: Cause):
    for step in runbook.gather:
        limit = threshold(runbook, step)
        if limit and finds_nothing_in(cause, step):
            assert limit.strip("{} ") in cause.says


def test_the_rule_sees_a_threshold():
    by_name = {book.runbook: book for book in RUNBOOKS}
    runaway = by_name["mysql/runaway-query"]
    nothing = [cause.id for cause in runaway.causes if finds_nothing_in(cause, "long")]
    assert threshold(runaway, "long") == "{{ inputs.long }}"
    assert nothing
    assert threshold(by_name["mysql/history-list"], "open") == ""
