from __future__ import annotations

import pytest

from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue


@pytest.fixture
def store(database: Database, queue: DirectQueue) -> RunStore:
    return RunStore(database, queue)
