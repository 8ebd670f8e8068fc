"""What every part of the store is made on."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from bot.store.database import Database
from bot.store.segment_queue import SegmentQueue


class StoreBase:
    """A part of the store; each of its methods is one transaction."""

    def __init__(self, database: Database, queue: SegmentQueue, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self._queue = queue
        self._clock = clock

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
