"""A store of every earlier version becomes one of this version, with all that is in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.alerts import AlertStatus
from bot.engine.run import RunState
from bot.errors import ConfigError
from bot.store import audit_log, tables
from bot.store.database import Database
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.run_store import RunStore
from bot.store.schema_upgrade import migrate, step
from bot.store.segment_queue import DirectQueue
from bot.store.sqlite import SQLiteDatabase
from tests import samples
from tests.postgresql_fixture import PostgreSQL

FIRST = Path(__file__).with_name("first.sql")
NEWEST = "0005"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    if request.param == "sqlite":
        found: Database = SQLiteDatabase(tmp_path / "data")
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        found = PostgreSQLDatabase(server.fresh(f"empty_{request.getfixturevalue('worker_id')}"))
    yield found
    found.close()


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Database]:
    """A store as the first version wrote it."""
    (tmp_path / "data").mkdir()
    connection = sqlite3.connect(tmp_path / "data" / "firstmate.sqlite")
    connection.executescript(FIRST.read_text(encoding="utf-8"))
    connection.close()
    found = SQLiteDatabase(tmp_path / "data")
    yield found
    found.close()


def differences(database: Database) -> list[object]:
    """Where the tables are not those of this version; DBOS's own do not count."""
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        return list(compare_metadata(context, tables.metadata))


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name in tables.metadata.tables


def test_an_empty_database_gets_all_tables(empty: Database):
    assert migrate(empty) == ("", NEWEST)
    assert differences(empty) == []
    assert migrate(empty) == (NEWEST, NEWEST)


def test_a_store_of_the_first_version_gets_the_same_tables(first: Database):
    assert migrate(first) == ("0001", NEWEST)
    assert differences(first) == []


def test_nothing_of_the_first_version_is_lost(first: Database):
    migrate(first)
    store = RunStore(first, DirectQueue())
    assert {run.id: run.state.value for run in store.runs()} == {
        "r-1": "diagnosed",
        "r-2": "waiting",
        "r-3": "triaging",
    }
    assert [halt.reason for halt in store.halts()] == ["drill"]
    with first.reading() as connection:
        assert audit_log.verify(audit_log.entries(connection)) == (10, None)
    receipt = store.receive(samples.alert(status=AlertStatus.RESOLVED), key="k", run=samples.run())
    assert not receipt.fresh


def test_the_leading_causes_of_its_runs_are_known(first: Database):
    with first.transaction() as connection:
        known = {
            "causes": [{"id": "late", "verdict": "no"}, {"id": "stopped", "verdict": "holds"}],
            "runbook": "mysql/x",
        }
        for name, document in (("r-8", json.dumps(known)), ("r-9", "[]")):
            connection.execute(
                sa.text(
                    "INSERT INTO runs (id, incident, incident_key, state, shard, opened_at, document) "
                    "VALUES (:id, 'i', 'k', 'mended', 'orders', 1, :document)"
                ),
                {"id": name, "document": document},
            )
    migrate(first)
    with first.reading() as connection:
        found = {row.id: row.cause for row in connection.execute(sa.text("SELECT id, cause FROM runs")).all()}
    assert found["r-8"] == "mysql/x:stopped"
    assert found["r-9"] is None
    assert found["r-3"] is None


def test_what_an_older_version_wrote_otherwise_is_named(first: Database):
    migrate(first)
    store = RunStore(first, DirectQueue())
    assert [(run.id, list(keys)) for run, keys in store.older()] == [("r-2", ["plan"])]
    run = store.run("r-2")
    assert run is not None
    assert (run.plan, run.target, run.state) == (None, "orders-2", RunState.WAITING)


def test_a_store_of_a_newer_version_is_left_alone(empty: Database):
    migrate(empty)
    with empty.transaction() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="was upgraded by a newer version of Firstmate"):
        migrate(empty)
    with empty.reading() as connection:
        assert step(connection) == "9999"


def test_a_step_that_breaks_leaves_the_store_as_it_was(first: Database):
    with first.transaction() as connection:
        connection.execute(sa.text("CREATE TABLE leaders (x INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        migrate(first)
    with first.reading() as connection:
        assert step(connection) == "0001"
        assert "changes" not in sa.inspect(connection).get_table_names()
