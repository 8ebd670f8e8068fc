"""A store that version 0.1.0 wrote opens, and each of its runs continues or ends with the reason.

`version_0_1_0.sql` is the dump of a SQLite store of that version, with a run in every state in which a bot can leave
one. The bot was killed while it made the change of the shard `changing`, and stopped before it worked off its queue.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bot.alerts import ALERTMANAGER
from bot.engine.active_halts import Halts
from bot.engine.approval_expiry import ApprovalExpiry
from bot.engine.dispatcher import Dispatcher
from bot.engine.effect_check import EffectCheck
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gatherer
from bot.engine.incident_assignment import Assignments
from bot.engine.pausing import Pausing
from bot.engine.planner import Planner
from bot.engine.ports import Steps
from bot.engine.rollout import Rollout
from bot.engine.run import Run, RunState
from bot.engine.silencing import Silencing
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.policy import Policy
from bot.runbook.language.schema import Runbook
from bot.store import audit_log
from bot.store.durable_queue import Durable
from bot.store.run_store import RunStore
from bot.store.schema_upgrade import migrate
from bot.store.sqlite import FILE, SQLiteDatabase
from tests.engine.servers import Everybody, Fleet, Published, shard_of

DUMP = Path(__file__).with_name("version_0_1_0.sql")
SHARDS = (
    "waiting",
    "approved",
    "changing",
    "paused",
    "reverting",
    "undoing",
    "again",
    "taken",
    "triaging",
    "resolved",
    "mended",
)
CHANGED = ("changing", "reverting", "undoing", "mended")
"""Shards in which the old bot had set the variable."""


class Silencer:
    """An Alertmanager in which no alert fires any more."""

    def silence(self, labels: Mapping[str, str], *, seconds: float, by: str, why: str) -> str:
        raise AssertionError("nothing is silenced anew")

    def end(self, silence: str) -> None: ...

    def fires(self, labels: Mapping[str, str]) -> bool:
        return False


class Scene:
    """A bot of this version on the old store, with stand-in servers."""

    def __init__(self, folder: Path) -> None:
        self.database = SQLiteDatabase(folder)
        self.versions = migrate(self.database)
        self.durable = Durable(self.database)
        self.store = RunStore(self.database, self.durable)
        self.fleet = Fleet(tuple(shard_of(name, 2) for name in SHARDS))
        for name in CHANGED:
            self.fleet.servers[f"{name}-2"].value = 120
        self._advanced = threading.Semaphore(0)
        self.dispatcher = self._dispatcher()

    def _dispatcher(self) -> Dispatcher:
        fleet, store, publisher, halts = self.fleet, self.store, Published(), Halts(self.store)
        collector = Collector(fleet, store, Everybody(), halts, VtorcRepairs(fleet), "suggest", Policy())
        gatherer = Gatherer(fleet)
        planner = Planner(fleet, gatherer, _no_other_runbook)
        undo = Undo(fleet, store, publisher, halts)
        effects = EffectCheck(fleet, store, publisher, gatherer)
        return Dispatcher(
            store,
            publisher,
            Triage(fleet, store, publisher, collector, gatherer, planner, 300.0),
            ApprovalExpiry(store, publisher),
            Rollout(fleet, store, publisher, collector, planner, undo, effects, 0.0),
            effects,
            undo,
            Assignments(store, publisher, Silencing({ALERTMANAGER: Silencer()})),
            Pausing(store, publisher),
        )

    def advance(self, steps: Steps, run_id: str, name: str) -> None:
        self.dispatcher.advance(steps, run_id, name)
        self._advanced.release()

    def run(self, shard: str) -> Run:
        [found] = [run for run in self.store.runs(limit=50) if run.shard == shard]
        return found

    def await_that(self, holds: Callable[[], bool]) -> None:
        """Waits until it holds; it is asked again after each segment."""
        while not holds():
            assert self._advanced.acquire(timeout=60), [(r.shard, r.state.value, r.says) for r in self.store.runs()]


def _no_other_runbook(name: str) -> Runbook:
    raise AssertionError(name)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("old") / "data"
    folder.mkdir()
    connection = sqlite3.connect(folder / FILE)
    connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    found = Scene(folder)
    assert found.store.older() == []
    found.durable.start(found.advance)
    yield found
    found.durable.stop(1)
    found.database.close()


def test_its_tables_are_upgraded_and_its_audit_log_is_intact(scene: Scene):
    assert scene.versions[0] == "0004"
    with scene.database.reading() as connection:
        assert audit_log.verify(audit_log.entries(connection))[1] is None


@pytest.mark.parametrize(
    ("shard", "states", "says"),
    [
        ("waiting", [RunState.EXPIRED], "approval request expired"),
        ("approved", [RunState.MENDED], "max_connections of approved-2:3306 is 120"),
        ("changing", [RunState.UNKNOWN], "max_connections of changing-2:3306 is 120"),
        ("paused", [RunState.FAILED], "stopped"),
        ("reverting", [RunState.UNDONE], "SET GLOBAL `max_connections` = 100"),
        ("undoing", [RunState.UNDONE], "SET GLOBAL `max_connections` = 100"),
        ("again", [RunState.DIAGNOSED], ""),
        ("triaging", [RunState.WAITING], ""),
        # Both segments were due: the end of the approval, and the withdrawal because the alert resolved.
        ("resolved", [RunState.RESOLVED, RunState.EXPIRED], "othing was changed"),
        ("mended", [RunState.UNDONE], "SET GLOBAL `max_connections` = 100"),
    ],
)
def test_a_run_continues_or_ends_with_the_reason(scene: Scene, shard: str, states: list[RunState], says: str):
    scene.await_that(lambda: scene.run(shard).state in states)
    assert says in scene.run(shard).says


def test_a_change_under_way_at_the_kill_is_not_repeated(scene: Scene):
    scene.await_that(lambda: scene.run("changing").state is RunState.UNKNOWN)
    assert [statement for name, statement in scene.fleet.log if name == "changing-2"] == []


def test_a_silenced_alert_is_asked_about_at_its_source(scene: Scene):
    alert = scene.run("taken").alert
    assert alert is not None
    assert alert.source == ALERTMANAGER
    scene.await_that(lambda: scene.run("taken").resolved_at is not None)
