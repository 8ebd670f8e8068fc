"""The behaviour of DBOS that the engine relies on, partly undocumented; a new version of DBOS must keep it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.engine.ports import Steps
from bot.engine.segments import Kind, Triage, decode
from bot.store.database import Database
from bot.store.durable_queue import INTERPRETER, Durable
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.sqlite import SQLiteDatabase
from tests.postgresql_fixture import PostgreSQL


class Scene:
    """A queue whose segments run in this process; each ends at once."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done: list[tuple[str, str]] = []
        self.came = threading.Semaphore(0)
        self.durable = Durable(database, "living")

    def advance(self, steps: Steps, run_id: str, name: str) -> None:
        self.done.append((run_id, name))
        self.came.release()

    def put(self, run_id: str, name: str, delay: float = 0.0) -> None:
        with self.database.transaction() as connection:
            self.durable.put(connection, run_id, decode(name), delay=delay)

    def wait(self, segments: int) -> list[tuple[str, str]]:
        for _ in range(segments):
            assert self.came.acquire(timeout=60), self.done
        return self.done

    def rewrite(self, workflow: str, **values: object) -> None:
        """Changes a row to what another process would have left."""
        table = "workflow_status" if self.database.engine.dialect.name == "sqlite" else "dbos.workflow_status"
        assigned = ", ".join(f"{name} = :{name}" for name in values)
        with self.database.transaction() as connection:
            statement = sa.text(f"UPDATE {table} SET {assigned} WHERE workflow_uuid = :workflow")
            assert connection.execute(statement, {"workflow": workflow, **values}).rowcount == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    if request.param == "sqlite":
        database: Database = SQLiteDatabase(tmp_path / "data")
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        database = PostgreSQLDatabase(server.fresh(f"durable_{request.getfixturevalue('worker_id')}"))
    found = Scene(database)
    found.durable.start(found.advance)
    yield found
    found.durable.stop(1)
    database.close()


def test_a_segment_runs_once_however_often_it_is_enqueued(scene: Scene):
    for _ in range(3):
        scene.put("r-1", "triage")
    scene.put("r-2", "triage")
    assert sorted(scene.wait(2)) == [("r-1", "triage"), ("r-2", "triage")]


def test_a_run_with_a_delayed_segment_is_not_idle(scene: Scene):
    scene.put("r-1", "expire", delay=600)
    assert not scene.durable.idle("r-1", Kind.EXPIRE)
    assert scene.durable.idle("r-1", Kind.CHANGE), "the run has no segment of this kind"
    assert scene.durable.idle("r-2", Kind.EXPIRE)
    assert scene.durable.idle("r", Kind.EXPIRE)


def test_a_segment_that_ended_can_be_enqueued_again(scene: Scene):
    scene.put("r-1", "triage")
    scene.wait(1)
    scene.durable.enqueue_again("r-1", Triage())
    assert scene.wait(1) == [("r-1", "triage")] * 2


def test_only_segments_of_dead_processes_return_to_the_queue(scene: Scene):
    for run_id in ("r-1", "r-2", "r-3"):
        scene.put(run_id, "expire", delay=600)
    scene.rewrite("r-1:expire", status="PENDING", executor_id="dead", delay_until_epoch_ms=None)
    scene.rewrite("r-2:expire", status="PENDING", executor_id="other", delay_until_epoch_ms=None)
    scene.durable.recover(["living", "other"])
    assert scene.wait(1) == [("r-1", "expire")]
    assert not scene.durable.idle("r-2", Kind.EXPIRE), "it is in flight in a process that is alive"


def test_segments_of_earlier_versions_are_taken_over_and_keep_their_delay(scene: Scene):
    scene.put("r-1", "change", delay=600)
    scene.put("r-2", "expire", delay=600)
    for workflow in ("r-1:change", "r-2:expire"):
        scene.rewrite(workflow, application_version="interp-0")
    scene.rewrite("r-1:change", status="PENDING", executor_id="dead", delay_until_epoch_ms=None)
    register(scene, "interp-0")
    assert scene.durable.take_over_segments({"interp-0"}) == 0, (
        "a replica of that version is alive and keeps its segments"
    )
    assert scene.durable.take_over_segments() == 2
    assert scene.wait(1) == [("r-1", "change")]
    assert not scene.durable.idle("r-2", Kind.EXPIRE), "its delay has not passed"
    assert scene.durable.take_over_segments() == 0


def register(scene: Scene, version: str) -> None:
    """Registers another version, as its launch would have done: DBOS remembers every version that was launched."""
    assert version != INTERPRETER
    prefix = "" if scene.database.engine.dialect.name == "sqlite" else "dbos."
    with scene.database.transaction() as connection:
        known = f"SELECT * FROM {prefix}application_versions"
        row = dict(connection.execute(sa.text(known)).mappings().first() or {})
        row.update(version_id="another", version_name=version)
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        statement = f"INSERT INTO {prefix}application_versions ({names}) VALUES ({values})"
        connection.execute(sa.text(statement), row)
