"""What says that the trouble is over, or that nothing was found, is marked so, and holds only while nobody waits."""

from __future__ import annotations

import re

import pytest

from bot.runbook.language.schema import Cause, Runbook
from bot.runbook.library.load_runbooks import load_folders, shipped_folder

RUNBOOKS = [each for each in load_folders([shipped_folder()]).runbooks if each.runbook.startswith("mysql/")]
PAIRS = [(book, cause) for book in RUNBOOKS for cause in book.causes]
CAUSES = [pytest.param(book, cause, id=f"{book.runbook}:{cause.id}") for book, cause in PAIRS]
OVER = [pytest.param(book, cause, id=f"{book.runbook}:{cause.id}") for book, cause in PAIRS if cause.over]
ALL_CLEAR = re.compile(
    r"^(The (peak|load|pressure) (is over|has eased)|No (session waits|login failed|login or statement is refused|"
    r"problem found|deadlock|recent|prepared|schema change is|statement ended|replica has)|"
    r"Replication.* is running again|Few temporary|"
    r"The (server responds again|replica has caught up|buffer pool holds|server has not restarted))"
)


def opening(cause: Cause) -> str:
    """The literal text of a sentence, without its values."""
    return " ".join(re.sub(r"\{\{.*?\}\}", "", cause.says).split())


@pytest.mark.parametrize(("runbook", "cause"), CAUSES)
def test_an_all_clear_is_marked_as_over(runbook: Runbook, cause: Cause):
    assert cause.over or not ALL_CLEAR.match(opening(cause))


def test_the_pattern_finds_all_clears():
    assert len([cause for _, cause in PAIRS if ALL_CLEAR.match(opening(cause))]) >= 12


@pytest.mark.parametrize(("runbook", "cause"), OVER)
def test_what_is_over_offers_nothing_and_lets_no_threshold_decide_over_waiters(runbook: Runbook, cause: Cause):
    assert cause.remedies == ()
    waits = [name for name, step in runbook.gather.items() if step.use == "mysql.wait_graph"]
    for name in waits:
        compared = re.findall(rf"\b{name}\.waiting\s*(\S+\s+\S+)", cause.when)
        assert set(compared) <= {"== 0"}, "it holds while sessions wait"
