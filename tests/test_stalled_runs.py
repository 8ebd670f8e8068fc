"""A run that makes no progress gets its segment again, and ends as failed when that has no effect."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from bot.engine.run import PauseRequest, RunState
from bot.engine.segments import Kind, Segment, encode
from bot.stalled_runs import ATTEMPTS, PATIENCE, StalledRuns
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.samples import NOW, plan, run


@dataclass
class Queue:
    """A queue that has a segment of each run and kind in `busy`."""

    busy: set[tuple[str, Kind]] = field(default_factory=set)
    enqueued: list[tuple[str, str]] = field(default_factory=list)
    taken_over: list[set[str]] = field(default_factory=list)

    def idle(self, run_id: str, kind: Kind) -> bool:
        return (run_id, kind) not in self.busy

    def enqueue_again(self, run_id: str, segment: Segment) -> None:
        self.enqueued.append((run_id, encode(segment)))

    def take_over_segments(self, alive: Collection[str] = ()) -> int:
        self.taken_over.append(set(alive))
        return 0


@dataclass
class Scene:
    """A store with one run, which is checked `seconds` after it was opened."""

    store: RunStore
    queue: Queue = field(default_factory=Queue)
    given_up: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = PATIENCE.total_seconds() + 1
    leads: bool = True
    purged: list[datetime] = field(default_factory=list)
    halts_shared: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stalled_runs = StalledRuns(
            self.store,
            self.queue,
            lambda run_id, why: self.given_up.append((run_id, why)),
            leads=lambda: self.leads,
            versions=lambda: {"interp-1"},
            share_halt=lambda: self.halts_shared.append(self.seconds),
            purge=self.purged.append,
            now=self.now,
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
    [
        (RunState.TRIAGING, "triage"),
        (RunState.APPROVED, "change"),
        (RunState.CHANGING, "change"),
        (RunState.WATCHING, f"effect-{NOW.timestamp() + PATIENCE.total_seconds() + 1:.0f}"),
    ],
)
def test_a_run_without_a_queued_segment_gets_its_segment_again(scene: Scene, state: RunState, segment: str):
    scene.store.save(run(state=state, plan=plan()), expect=RunState.TRIAGING)
    scene.queue.busy = {("r-1", Kind.EXPIRE)}
    scene.seconds = PATIENCE.total_seconds() + 1
    scene.stalled_runs.check()
    assert scene.queue.enqueued == [("r-1", segment)]


def test_a_waiting_run_is_left_alone_until_its_deadline_has_passed(scene: Scene):
    scene.store.wait(run(plan=plan()), expires_in=300)
    scene.stalled_runs.check()
    scene.seconds += 299
    scene.stalled_runs.check()
    assert scene.queue.enqueued == []
    scene.seconds += 2
    scene.stalled_runs.check()
    assert scene.queue.enqueued == [("r-1", "expire")]


def test_a_run_that_is_young_queued_or_ended_is_left_alone(scene: Scene):
    scene.seconds = PATIENCE.total_seconds() - 1
    scene.stalled_runs.check()
    scene.seconds += 2
    scene.queue.busy = {("r-1", Kind.TRIAGE)}
    scene.stalled_runs.check()
    scene.store.save(replace(run(), state=RunState.DIAGNOSED), expect=RunState.TRIAGING)
    scene.queue.busy = set()
    scene.stalled_runs.check()
    assert scene.queue.enqueued == []


def test_a_run_that_stays_stalled_is_given_up_with_the_reason(scene: Scene):
    for _ in range(ATTEMPTS + 1):
        scene.stalled_runs.check()
    assert len(scene.queue.enqueued) == ATTEMPTS
    assert scene.given_up == [("r-1", 'its state was still "Investigating" after 5 attempts to continue it')]


def test_only_the_replica_that_leads_restarts_runs(scene: Scene):
    scene.leads = False
    scene.stalled_runs.check()
    assert (scene.queue.enqueued, scene.queue.taken_over) == ([], [])
    assert len(scene.halts_shared) == 1, "every replica shares the halt of its host's file"


def test_versions_that_are_alive_keep_their_segments(scene: Scene):
    scene.stalled_runs.check()
    assert scene.queue.taken_over == [{"interp-1"}]


def test_old_records_are_purged_once_an_hour(scene: Scene):
    for seconds in (30, 1800, 3629, 3631, 7000):
        scene.seconds = seconds
        scene.stalled_runs.check()
    assert scene.purged == [NOW + timedelta(seconds=30), NOW + timedelta(seconds=3631)]


def test_a_pause_past_its_deadline_gets_the_segment_that_ends_it(scene: Scene):
    pause = PauseRequest("pause", "U0ALICE", NOW, NOW + timedelta(hours=1))
    scene.store.save(run(state=RunState.CHANGING, plan=plan()), expect=RunState.TRIAGING)
    scene.store.request_pause("r-1", pause, actor="U0ALICE")
    paused = scene.store.run("r-1")
    assert paused is not None
    scene.store.save(replace(paused, state=RunState.PAUSED), expect=RunState.CHANGING)
    scene.seconds = timedelta(hours=1).total_seconds() + PATIENCE.total_seconds() + 1
    scene.stalled_runs.check()
    assert scene.queue.enqueued == [("r-1", f"unpause-{NOW.timestamp():.0f}")]
