"""A run that nobody moves is moved on, and given up visibly when that does not help."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.engine.run import RunState
from bot.stalled_runs import PATIENCE, TRIES, StalledRuns
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.samples import NOW, plan, run


@dataclass
class Queue:
    """A queue in which the runs named `busy` have such a segment."""

    busy: set[tuple[str, str]] = field(default_factory=set)
    nudged: list[tuple[str, str]] = field(default_factory=list)
    adopted: list[set[str]] = field(default_factory=list)

    def idle(self, run_id: str, segment: str) -> bool:
        return (run_id, segment) not in self.busy

    def nudge(self, run_id: str, segment: str) -> None:
        self.nudged.append((run_id, segment))

    def adopt(self, alive: Collection[str] = ()) -> int:
        self.adopted.append(set(alive))
        return 0


@dataclass
class Scene:
    """A store with one run, and a janitor who looks some seconds after it was opened."""

    store: RunStore
    queue: Queue = field(default_factory=Queue)
    given_up: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = PATIENCE.total_seconds() + 1
    leads: bool = True
    swept: list[datetime] = field(default_factory=list)
    looked: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stalled_runs = StalledRuns(
            self.store,
            self.queue,
            lambda run_id, why: self.given_up.append((run_id, why)),
            lambda: self.leads,
            lambda: {"interp-1"},
            lambda: self.looked.append(self.seconds),
            self.swept.append,
            self.now,
        )

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)


@pytest.fixture
def scene(database: Database) -> Scene:
    store = RunStore(database, DirectQueue(), clock=NOW.timestamp)
    store.open_run(run(), key="k", actor="firstmate")
    return Scene(store)


@pytest.mark.parametrize(
    ("state", "segment"),
    [(RunState.TRIAGING, "triage"), (RunState.APPROVED, "change"), (RunState.CHANGING, "change")],
)
def test_a_run_with_nothing_queued_gets_its_segment_once_more(scene: Scene, state: RunState, segment: str):
    scene.store.save(run(state=state, plan=plan()), expect=RunState.TRIAGING)
    scene.queue.busy = {("r-1", "expire")}
    scene.stalled_runs.look()
    assert scene.queue.nudged == [("r-1", segment)]


def test_a_waiting_run_is_left_alone_until_its_deadline_is_past(scene: Scene):
    scene.store.wait(run(plan=plan()), expires_in=300)
    scene.stalled_runs.look()
    scene.seconds += 299
    scene.stalled_runs.look()
    assert scene.queue.nudged == []
    scene.seconds += 2
    scene.stalled_runs.look()
    assert scene.queue.nudged == [("r-1", "expire")]


def test_what_is_young_queued_or_ended_is_left_alone(scene: Scene):
    scene.seconds = PATIENCE.total_seconds() - 1
    scene.stalled_runs.look()
    scene.seconds += 2
    scene.queue.busy = {("r-1", "triage")}
    scene.stalled_runs.look()
    scene.store.save(replace(run(), state=RunState.DIAGNOSED), expect=RunState.TRIAGING)
    scene.queue.busy = set()
    scene.stalled_runs.look()
    assert scene.queue.nudged == []


def test_what_cannot_be_moved_is_given_up_with_the_reason(scene: Scene):
    for _ in range(TRIES + 1):
        scene.stalled_runs.look()
    assert len(scene.queue.nudged) == TRIES
    assert scene.given_up == [("r-1", "it was triaging and could not be moved on 5 times")]


def test_only_the_replica_that_leads_looks(scene: Scene):
    scene.leads = False
    scene.stalled_runs.look()
    assert (scene.queue.nudged, scene.queue.adopted) == ([], [])
    assert len(scene.looked) == 1, "what each replica does it does all the same"


def test_segments_of_versions_that_still_live_are_left_to_them(scene: Scene):
    scene.stalled_runs.look()
    assert scene.queue.adopted == [{"interp-1"}]


def test_what_has_had_its_time_is_deleted_once_an_hour(scene: Scene):
    for seconds in (30, 1800, 3629, 3631, 7000):
        scene.seconds = seconds
        scene.stalled_runs.look()
    assert scene.swept == [NOW + timedelta(seconds=30), NOW + timedelta(seconds=3631)]
