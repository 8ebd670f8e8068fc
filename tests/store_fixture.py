"""The store, on each database that it may live in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store import tables
from bot.store.database import Database
from bot.store.postgresql import PostgreSQLDatabase
from bot.store.segment_queue import DirectQueue
from bot.store.sqlite import SQLiteDatabase


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store, once in each kind of database."""
    if request.param == "sqlite":
        found: Database = SQLiteDatabase(tmp_path / "data")
        found.create()
    else:
        found = PostgreSQLDatabase(request.getfixturevalue("store_url"))
        with found.transaction() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                connection.execute(table.delete())
    yield found
    found.close()


@pytest.fixture
def queue() -> DirectQueue:
    return DirectQueue()
