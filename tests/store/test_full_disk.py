"""The disk of the store is full: what cannot be stored is not accepted, and what comes later is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.alerts import Alert
from bot.engine.ports import Receipt
from bot.errors import StoreDown
from bot.store import audit_log
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from bot.store.sqlite import SQLiteDatabase
from tests import samples


class Disk:
    """A SQLite store on a disk that may have no room left: SQLite's own limit gives SQLite's own error."""

    def __init__(self, database: SQLiteDatabase) -> None:
        self.database = database
        self.pages = 1_000_000_000
        sa.event.listen(database.engine, "checkout", self._limit)

    def _limit(self, connection: sa.engine.interfaces.DBAPIConnection, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={self.pages}")
        cursor.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    database = SQLiteDatabase(tmp_path / "data")
    database.create()
    yield Disk(database)
    database.close()


def receive(store: RunStore, number: int) -> Receipt:
    alert: Alert = samples.alert(labels={"alertname": "x", "number": str(number)})
    run = samples.run(id=f"r-{number}", incident=f"i-{number}", alert=alert, runbook_text="x" * 4000)
    return store.receive(alert, key=f"k-{number}", run=run)


def test_a_full_disk_stores_nothing_of_what_it_refuses_and_takes_it_later(disk: Disk):
    store = RunStore(disk.database, DirectQueue())
    receive(store, 0)
    disk.pages = 1  # SQLite keeps what there is, and gives no page more
    taken: list[int] = []

    def fill() -> None:
        for number in range(1, 60):
            receive(store, number)
            taken.append(number)

    with pytest.raises(StoreDown, match="full"):
        fill()
    refused = len(taken) + 1
    assert store.run(f"r-{refused}") is None
    with disk.database.reading() as connection:
        assert audit_log.verify(audit_log.entries(connection))[1] is None
    disk.pages = 1_000_000_000
    assert receive(store, refused).run == f"r-{refused}"
