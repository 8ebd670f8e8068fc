from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.durable import DirectQueue
from bot.store.runs import RunStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "data")
    yield database
    database.close()


@pytest.fixture
def queue() -> DirectQueue:
    return DirectQueue()


@pytest.fixture
def store(database: Database, queue: DirectQueue) -> RunStore:
    return RunStore(database, queue)
