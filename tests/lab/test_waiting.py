"""An error after a timeout says what was expected, on which server, what was observed instead, and what to do next."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bot.lab
from bot.errors import FirstmateError
from bot.lab.replication import replication_problem
from bot.lab.waiting import START_AFRESH, wait_until


def test_a_timeout_names_the_expectation_the_observation_the_log_and_the_next_step():
    with pytest.raises(FirstmateError) as error:
        wait_until(
            "orders-2 replicates from orders-1",
            lambda: False,
            0.0,
            log=Path("/lab/logs/orders-2.log"),
            observed=lambda: "its applier is stopped with error 1205: Lock wait timeout exceeded",
        )
    assert str(error.value) == (
        "Timed out after 0 s. Expected: orders-2 replicates from orders-1. Observed: its applier is stopped with error "
        f"1205: Lock wait timeout exceeded. See its log, /lab/logs/orders-2.log. {START_AFRESH}"
    )


def test_a_timeout_does_not_end_a_wait_that_makes_progress():
    left = iter([5.0, 4.0, 3.0, 2.0, 1.0])
    rounds = iter([False, False, False, True])
    wait_until("the replica has caught up", lambda: next(rounds), 0.0, left=lambda: next(left))


def test_a_timeout_ends_a_wait_without_progress():
    with pytest.raises(FirstmateError, match="the replica has caught up"):
        wait_until("the replica has caught up", lambda: False, 0.0, left=lambda: 7.0)


def test_every_wait_of_the_lab_names_a_log():
    calls = [
        (path.name, call.lineno, {keyword.arg for keyword in call.keywords})
        for path in Path(bot.lab.__path__[0]).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "wait_until"
    ]
    assert len(calls) > 10
    assert [call for call in calls if "log" not in call[2]] == []


RUNS = {"Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes", "Seconds_Behind_Source": 0}


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (RUNS, ""),
        ({}, "it is not configured to replicate"),
        (
            {**RUNS, "Replica_SQL_Running": "No", "Last_SQL_Errno": 1205, "Last_SQL_Error": "Lock wait timeout."},
            "its applier is stopped with error 1205: Lock wait timeout",
        ),
        ({**RUNS, "Replica_IO_Running": "No"}, "its receiver is stopped"),
        ({**RUNS, "SQL_Delay": 60}, "it is configured to delay transactions by 60 s"),
        ({**RUNS, "Seconds_Behind_Source": None}, "it does not report its delay"),
        ({**RUNS, "Seconds_Behind_Source": 343}, "it is 343 s behind"),
    ],
)
def test_a_replica_that_lags_says_why(status: dict[str, object], problem: str):
    assert replication_problem(status) == problem
