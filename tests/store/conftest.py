from __future__ import annotations

import pytest

from bot.store.database import Database
from bot.store.runs import RunStore
from bot.store.segments import DirectQueue


@pytest.fixture
def store(database: Database, queue: DirectQueue) -> RunStore:
    return RunStore(database, queue)
