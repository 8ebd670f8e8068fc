"""What of DBOS the engine leans on, beyond its documentation: each is a promise that a new version must keep."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.engine.ports import Steps
from bot.store.database import Database
from bot.store.durable import INTERPRETER, Durable
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.sqlite import SQLiteDatabase
from tests.postgresql_fixture import PostgreSQL


class Scene:
    """Segments that are worked off in this process; each ends at once unless it is told to wait."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.done: list[tuple[str, str]] = []
        self.came = threading.Semaphore(0)
        self.durable = Durable(database, "living")

    def advance(self, steps: Steps, run_id: str, segment: str) -> None:
        self.done.append((run_id, segment))
        self.came.release()

    def put(self, run_id: str, segment: str, delay: float = 0.0) -> None:
        with self.database.transaction() as connection:
            self.durable.put(connection, run_id, segment, delay=delay)

    def wait(self, segments: int) -> list[tuple[str, str]]:
        for _ in range(segments):
            assert self.came.acquire(timeout=60), self.done
        return self.done

    def rewrite(self, workflow: str, **values: object) -> None:
        """Makes a row what another process would have left."""
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


def test_a_segment_is_worked_off_once_however_often_it_is_put(scene: Scene):
    for _ in range(3):
        scene.put("r-1", "triage")
    scene.put("r-2", "triage")
    assert sorted(scene.wait(2)) == [("r-1", "triage"), ("r-2", "triage")]


def test_a_run_with_a_segment_that_waits_is_not_idle(scene: Scene):
    scene.put("r-1", "expire", delay=600)
    assert not scene.durable.idle("r-1", "expire")
    assert scene.durable.idle("r-1", "change"), "it is another segment"
    assert scene.durable.idle("r-2", "expire")
    assert scene.durable.idle("r", "expire")


def test_a_segment_may_be_put_once_more_after_it_ended(scene: Scene):
    scene.put("r-1", "triage")
    scene.wait(1)
    scene.durable.nudge("r-1", "triage")
    assert scene.wait(1) == [("r-1", "triage")] * 2


def test_what_a_dead_process_had_in_flight_is_handed_on_and_nothing_else(scene: Scene):
    for run_id in ("r-1", "r-2", "r-3"):
        scene.put(run_id, "expire", delay=600)
    scene.rewrite("r-1:expire", status="PENDING", executor_id="dead", delay_until_epoch_ms=None)
    scene.rewrite("r-2:expire", status="PENDING", executor_id="other", delay_until_epoch_ms=None)
    scene.durable.recover(["living", "other"])
    assert scene.wait(1) == [("r-1", "expire")]
    assert not scene.durable.idle("r-2", "expire"), "it is in flight in a process that lives"


def test_segments_of_another_order_of_steps_are_gone_on_with_at_their_time(scene: Scene):
    scene.put("r-1", "change", delay=600)
    scene.put("r-2", "expire", delay=600)
    for workflow in ("r-1:change", "r-2:expire"):
        scene.rewrite(workflow, application_version="interp-0")
    scene.rewrite("r-1:change", status="PENDING", executor_id="dead", delay_until_epoch_ms=None)
    register(scene, "interp-0")
    assert scene.durable.adopt({"interp-0"}) == 0, "a living replica goes on with its own"
    assert scene.durable.adopt() == 2
    assert scene.wait(1) == [("r-1", "change")]
    assert not scene.durable.idle("r-2", "expire"), "its time has not come"
    assert scene.durable.adopt() == 0


def register(scene: Scene, version: str) -> None:
    """A process of another version has been here: DBOS remembers each version that was launched."""
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
