"""The store, on each database that it may live in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store import tables
from bot.store.database import Database
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.segment_queue import DirectQueue
from bot.store.sqlite import FILE, SQLiteDatabase

NAMES = ", ".join(f"'{table.name}'" for table in tables.metadata.sorted_tables)
EMPTIED = sa.text(f"""
DO $$
DECLARE name text; filled boolean;
BEGIN
  FOREACH name IN ARRAY ARRAY[{NAMES}] LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO filled;
    IF filled THEN EXECUTE format('TRUNCATE %I CASCADE', name); END IF;
  END LOOP;
END $$
""")
"""Truncates the tables that have rows: what DELETE leaves behind makes each test slower than the one before."""


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty store in SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("store")
    database = SQLiteDatabase(folder)
    database.create()
    database.close()
    return folder / FILE


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store, once in each kind of database."""
    if request.param == "sqlite":
        (tmp_path / "data").mkdir()
        shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "data" / FILE)
        found: Database = SQLiteDatabase(tmp_path / "data")
    else:
        found = PostgreSQLDatabase(request.getfixturevalue("store_url"))
        with found.transaction() as connection:
            connection.execute(EMPTIED)
    yield found
    found.close()


@pytest.fixture
def queue() -> DirectQueue:
    return DirectQueue()
