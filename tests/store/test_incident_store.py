"""One thread for one trouble: a new alert of it joins the thread, though the run before has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.alerts import Alert, AlertStatus
from bot.engine.run import Assignment, Run, RunState
from bot.incidents.reopened_thread import REOPENS_WITHIN
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests import samples

KEY = "vitess/shard@commerce/-80"
LATER = timedelta(minutes=2)


@pytest.fixture
def store(database: Database, queue: DirectQueue) -> RunStore:
    return RunStore(database, queue, clock=lambda: (samples.NOW + LATER).timestamp())


@pytest.fixture
def first(store: RunStore) -> Callable[..., None]:
    """A run of an alert that has ended: its cause is named."""

    def receive(*, ago: timedelta = LATER, **changes: Any) -> None:
        opened = samples.NOW + LATER - ago
        begun = samples.run(opened_at=opened, **{"alert": alert("A"), **changes})
        assert begun.alert is not None
        store.receive(begun.alert, key=KEY, run=begun)
        store.save(samples.run(**{**_of(begun), "state": RunState.DIAGNOSED}), expect=RunState.TRIAGING)

    return receive


def _of(run: Run) -> dict[str, Any]:
    return {"opened_at": run.opened_at, "alert": run.alert, "thread": run.thread, "incident": run.incident}


def alert(name: str, severity: str = "critical", **changes: Any) -> Alert:
    return samples.alert(labels={"alertname": name, "severity": severity}, **changes)


def second(store: RunStore, name: str = "B", severity: str = "critical", key: str = KEY) -> Run:
    asked = alert(name, severity)
    run = samples.run(id="r-2", incident="i-2", channel="C0OTHER", opened_at=samples.NOW + LATER, alert=asked)
    receipt = store.receive(asked, key=key, run=run)
    assert (receipt.fresh, receipt.run) == (True, "r-2")
    found = store.run("r-2")
    assert found is not None
    assert receipt.incident == found.incident
    return found


def test_the_next_alert_is_a_run_of_its_own_in_the_thread_of_the_first(store, first, queue):
    first()
    found = second(store)
    assert (found.incident, found.thread, found.root, found.channel) == ("i-1", "r-1", "r-1", "C0DBALERTS")
    assert ("r-2", "triage") in queue.waiting


def test_a_third_one_stands_in_the_same_thread(store, first):
    first()
    second(store)
    ended = samples.run(id="r-2", state=RunState.DIAGNOSED, thread="r-1", alert=alert("B"))
    store.save(ended, expect=RunState.TRIAGING)
    asked = alert("C")
    store.receive(asked, key=KEY, run=samples.run(id="r-3", incident="i-3", opened_at=samples.NOW, alert=asked))
    assert store.run("r-3").root == "r-1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"ago": REOPENS_WITHIN + timedelta(seconds=1)}, "nobody looks at that thread any more"),
        ({"alert": None}, "a person asked"),
    ],
)
def test_what_is_long_ago_or_was_no_alert_has_a_thread_of_its_own(store, first, change, why):
    if "alert" in change:
        asked = samples.run(alert=None, requester="U0BOB")
        assert store.open_run(asked, key=KEY, actor="U0BOB")
        store.save(samples.run(alert=None, state=RunState.DIAGNOSED), expect=RunState.TRIAGING)
    else:
        first(**change)
    found = second(store)
    assert (found.incident, found.thread, found.channel) == ("i-2", "", "C0OTHER"), why


def test_another_place_is_another_trouble(store, first):
    first()
    assert second(store, key="vitess/shard@commerce/80-").incident == "i-2"


def test_a_thread_whose_first_card_is_forgotten_is_not_joined(store, first):
    first(thread="r-0", incident="i-0")
    assert second(store).thread == ""


def test_a_run_is_over_with_its_own_alerts_though_others_of_the_incident_fire(store, first, queue):
    first()
    second(store)
    store.receive(alert("C"), key=KEY, run=samples.run(id="r-3", incident="i-3"))
    for name, over in (("B", None), ("C", samples.NOW)):
        passed = alert(name, status=AlertStatus.RESOLVED, ends_at=samples.NOW)
        store.receive(passed, key=KEY, run=samples.run(id="r-9"))
        assert store.run("r-2").resolved_at == over
    assert ("r-2", "resolved") in queue.waiting
    assert store.run("r-1").resolved_at is None


def test_an_alert_that_fires_anew_does_not_keep_its_incident_firing(store, first, queue):
    first()
    anew = alert("A", starts_at=samples.NOW + timedelta(minutes=1))
    run = samples.run(id="r-2", incident="i-2", opened_at=samples.NOW + LATER, alert=anew)
    store.receive(anew, key=KEY, run=run)
    assert (store.run("r-1").resolved_at, store.run("r-2").resolved_at) == (anew.starts_at, None)
    store.receive(replace(anew, status=AlertStatus.RESOLVED, ends_at=samples.NOW + LATER), key=KEY, run=run)
    assert store.run("r-2").resolved_at == samples.NOW + LATER
    assert ("r-2", "resolved") in queue.waiting


def test_an_alert_that_fires_anew_ends_the_incident_of_long_ago(store, first):
    first(ago=REOPENS_WITHIN + timedelta(minutes=1))
    anew = alert("A", starts_at=samples.NOW + timedelta(minutes=1))
    run = samples.run(id="r-2", incident="i-2", opened_at=samples.NOW + LATER, alert=anew)
    assert store.receive(anew, key=KEY, run=run).incident == "i-2"
    assert store.run("r-1").resolved_at == anew.starts_at


def test_an_older_one_that_comes_late_ends_nothing(store, first):
    first()
    late = alert("A", starts_at=samples.NOW - timedelta(minutes=1))
    store.receive(late, key=KEY, run=samples.run(id="r-2", incident="i-2", opened_at=samples.NOW, alert=late))
    assert store.run("r-1").resolved_at is None


def test_the_channel_is_told_only_of_what_is_new_to_it(store, first):
    first()
    assert not second(store).loud


def test_the_channel_is_told_when_it_is_graver_than_before(store, first):
    first(alert=alert("A", "warning"))
    assert second(store).loud


def test_the_channel_is_told_when_the_trouble_comes_back(store, first):
    first()
    passed = alert("A", status=AlertStatus.RESOLVED, ends_at=samples.NOW)
    store.receive(passed, key=KEY, run=samples.run(id="r-9"))
    found = second(store, severity="warning")
    assert (found.thread, found.loud) == ("r-1", True)


def test_who_works_on_it_works_on_what_joins_too_and_nothing_more_is_silent(store, first):
    first()
    took = Assignment("U0BOB", samples.NOW, silence="s-1", until=samples.NOW)
    assert store.take("r-1", took, expect=None, actor="U0BOB")
    assert second(store).taken == Assignment("U0BOB", samples.NOW)
