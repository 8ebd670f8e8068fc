"""Seen before: earlier runs of a shard in which the same cause led, from the store to the card."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.engine.earlier_runs import occurrence, with_history, workload_in
from bot.engine.run import Cause, Effect, Event, Helped, Run, RunState, Step, StepStatus
from bot.engine.run_json import seen_as_json
from bot.errors import StoreDown
from bot.incidents.seen_before import Held, Occurrence
from bot.slack.lookups import Status
from bot.slack.slash_commands import _status
from bot.slack.triage_card import card
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue, DirectSteps
from bot.store.sqlite import SQLiteDatabase
from tests import samples
from tests.engine.scene import RUNBOOK, TARGET, Scene
from tests.samples import NOW

FEW = (Cause("few", "holds", "few", ("fix",)),)


def ended(number: int, *, days: float, state: RunState = RunState.MENDED, **more: Any) -> Run:
    at = NOW - timedelta(days=days)
    plan = samples.plan(changes=(samples.change(action="mysql.set_variable"),))
    effect = Effect("few", Helped.YES, since=at + timedelta(minutes=1))
    base = samples.run(
        id=f"r-old-{number}",
        incident=f"i-old-{number}",
        alert=samples.alert(starts_at=at),
        state=state,
        opened_at=at,
        runbook="mysql/x",
        target=TARGET,
        causes=FEW,
        plan=plan,
        effect=effect,
        timeline=(Event(at, "alert received"),),
    )
    return replace(base, **more)


def stored(database: Database, *runs: Run) -> RunStore:
    store = RunStore(database, DirectQueue(), clock=NOW.timestamp)
    for each in runs:
        assert store.open_run(each, key=each.id, actor="firstmate")
    return store


def triaged(database: Database, *earlier: Run) -> Run:
    stored(database, *earlier)
    run = samples.run(target=TARGET, runbook="mysql/x", runbook_text=json.dumps(RUNBOOK), alert=samples.alert())
    scene = Scene(database, run=run)
    scene.triage.triage(DirectSteps(), "r-1")
    return scene.stored


def test_the_card_says_how_often_the_cause_led_and_what_became_of_the_changes(database: Database):
    run = triaged(database, ended(1, days=6), ended(2, days=1))
    assert run.seen_before is not None
    assert run.seen_before.says == (
        "Third time in 6 days on orders-2. A variable was changed twice, which helped; "
        "it came back after 24 h to 5 days."
    )
    assert run.seen_before.says in json.dumps(card(run), ensure_ascii=False)
    assert run.seen_before.says in _status(Status((), (run,), 0))
    assert seen_as_json(run.seen_before)["times"] == 3


@pytest.mark.parametrize(
    "other",
    [
        {"shard": "billing"},
        {"runbook": "mysql/y"},
        {"causes": (Cause("many", "holds", "many"),)},
        {"causes": (Cause("few", "no", ""),)},
        {"opened_at": NOW - timedelta(days=31)},
        {"state": RunState.WAITING},
    ],
    ids=["another shard", "another runbook", "another cause", "no cause", "too old", "under way"],
)
def test_other_runs_do_not_count(database: Database, other: dict[str, Any]):
    assert triaged(database, ended(1, days=1, **other)).seen_before is None


def test_only_so_many_runs_are_read_by_an_index(tmp_path):
    database = SQLiteDatabase(tmp_path)
    database.create()
    store = stored(database, *(ended(n, days=n / 10) for n in range(1, 31)))
    found = store.runs_led_by("mysql/x:few", "orders", since=NOW - timedelta(days=30), limit=20)
    assert [each.id for each in found] == [f"r-old-{n}" for n in range(1, 21)]
    plan = (
        "EXPLAIN QUERY PLAN SELECT document FROM runs WHERE shard = 'orders' AND cause = 'x' AND opened_at >= 1 "
        "AND state <> 'y' ORDER BY opened_at DESC LIMIT 20"
    )
    with database.reading() as connection:
        steps = [str(row) for row in connection.execute(sa.text(plan))]
    assert any("ix_runs_cause" in step for step in steps)
    assert not any("TEMP B-TREE" in step for step in steps)
    database.close()


def test_a_store_that_does_not_answer_costs_the_history_only():
    class Down(RunStore):
        def runs_led_by(self, cause: str, shard: str, *, since: datetime, limit: int) -> list[Run]:
            raise StoreDown("The store does not answer.")

    run = samples.run(causes=FEW)
    assert with_history(run, Down(None, None), NOW) == run  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "held"),
    [
        (RunState.MENDED, Held.HELD),
        (RunState.PARTLY_HELPED, Held.HELD),
        (RunState.WATCHING, Held.WATCHED),
        (RunState.NOT_HELPED, Held.NOT_HELPED),
        (RunState.UNKNOWN, Held.UNKNOWN),
        (RunState.FAILED, Held.FAILED),
        (RunState.UNDONE, Held.UNDONE),
        (RunState.DENIED, Held.NOTHING_DONE),
        (RunState.REFUSED, Held.NOTHING_DONE),
        (RunState.EXPIRED, Held.NOTHING_DONE),
    ],
)
def test_the_verdict_of_the_verification_decides_what_held(state: RunState, held: Held):
    assert occurrence(ended(1, days=1, state=state)).held is held


def test_a_run_is_over_when_its_changes_were_verified():
    found = occurrence(ended(1, days=1))
    assert isinstance(found, Occurrence)
    assert found.ended - found.began == timedelta(minutes=1)
    assert found.done == "a variable was changed"


def test_the_workload_is_the_one_that_the_sentence_names():
    evidence = {"holders": [{"workload": "etl"}, {"workload": "job:purge"}, {"workload": ""}]}
    step = Step("waits", "mysql.wait_graph", "target", StepStatus.DONE, evidence=evidence)
    led = Cause("x", "holds", "Session 7 of app@db (job:purge) blocks 3 sessions.")
    assert workload_in(samples.run(steps=(step,), causes=(led,))) == "job:purge"
    assert workload_in(samples.run(steps=(step,), causes=FEW)) == ""
    assert workload_in(samples.run(steps=(step,))) == ""
