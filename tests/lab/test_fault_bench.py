"""The fault bench: the order of the faults, what counts as a good result, and when the goals are met."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.lab.fault_bench.fault_queue import FaultQueue, costly_runbooks
from bot.lab.fault_bench.results import FaultResult, goals_met, totals
from bot.lab.fault_injection.fault_file import faults

GOOD = FaultResult("row_locks", "mysql", "held", ("held",), 1.0, "end_it", "end_it", "It waits.", True)
NOTHING = FaultResult("delayed_replica", "mysql", "delayed", ("delayed",), 0.5)
WRONG = [
    (replace(GOOD, causes=("other", "held")), "other leads, not held"),
    (replace(GOOD, causes=()), "no cause leads"),
    (replace(GOOD, remedy=None, mended=False), "nothing is offered, not end_it"),
    (replace(NOTHING, remedy="end_it"), "end_it is offered, not nothing"),
    (replace(GOOD, mended=False), "it was not resolved"),
    (replace(GOOD, cause_after=3.1), "the cause was not named within 3 s"),
    (replace(GOOD, harm="somebody was hurt"), "somebody was hurt"),
]


def test_a_result_is_good_if_it_is_right_fast_resolved_and_harmless():
    assert GOOD.good
    assert NOTHING.good
    assert goals_met(totals([GOOD, NOTHING]))


@pytest.mark.parametrize(("result", "says"), WRONG)
def test_a_wrong_result_says_what_differs(result: FaultResult, says: str):
    assert not result.good
    assert says in result.differs


@pytest.mark.parametrize(
    "result",
    [
        replace(GOOD, mended=False),
        replace(GOOD, cause_after=3.1),
        replace(GOOD, harm="x"),
        replace(GOOD, failed="it was not made"),
        replace(NOTHING, remedy="end_it"),
    ],
    ids=["not mended", "late", "harmful", "not played", "a remedy where there is none"],
)
def test_one_failed_or_harmful_result_misses_the_goals(result: FaultResult):
    assert not goals_met(totals([*[GOOD] * 50, result]))


def test_goals_allow_one_wrong_cause_in_twenty_but_not_one_in_ten():
    wrong = replace(NOTHING, causes=("other",))
    assert goals_met(totals([*[NOTHING] * 19, wrong]))
    assert not goals_met(totals([*[NOTHING] * 9, wrong]))
    assert not goals_met(totals([]))


def test_costly_faults_on_one_server_run_a_minute_apart():
    locks, chain, quick = (faults()[name] for name in ("row_locks", "row_lock_chain", "server_down"))
    assert locks.expect.runbook in costly_runbooks()
    assert quick.expect.runbook not in costly_runbooks()
    now, rested = [0.0], []

    def pause(seconds: float) -> None:
        rested.append(seconds)
        now[0] += seconds

    order = FaultQueue([locks, chain, quick], clock=lambda: now[0], pause=pause)
    played = []
    while (fault := order.next()) is not None:
        played.append(fault.name)
        now[0] += 10
        order.mark_finished(fault)
    assert played == ["row_locks", "server_down", "row_lock_chain"]
    assert rested == [51.0]
