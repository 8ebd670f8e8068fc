"""The audit log is a chain: a changed, missing or reordered row is found."""

from __future__ import annotations

import sqlalchemy as sa

from bot.store import audit_log
from bot.store.database import Database
from bot.store.run_store import RunStore


def fill(store: RunStore, rows: int = 5) -> None:
    for number in range(rows):
        store.audit("test.event", actor="U0BOB", subject=f"r-{number}", number=number)


def check(database: Database) -> tuple[int, audit_log.ChainBreak | None]:
    with database.reading() as connection:
        return audit_log.verify(audit_log.entries(connection))


def damage(database: Database, statement: str) -> None:
    with database.transaction() as connection:
        connection.execute(sa.text(statement))


def test_an_untouched_log_holds(store, database):
    fill(store)
    assert check(database) == (5, None)


def test_an_empty_log_holds(database):
    assert check(database) == (0, None)


def test_a_changed_row_is_found(store, database):
    fill(store)
    damage(database, "UPDATE audit SET actor = 'U0EVE' WHERE seq = 3")
    rows, fault = check(database)
    assert rows == 2
    assert fault is not None
    assert fault.seq == 3
    assert "changed" in fault.says


def test_a_missing_row_is_found(store, database):
    fill(store)
    damage(database, "DELETE FROM audit WHERE seq = 2")
    _, fault = check(database)
    assert fault is not None
    assert "row 2 is missing" in fault.says


def test_rows_that_changed_places_are_found(store, database):
    fill(store)
    damage(database, "UPDATE audit SET seq = 100 WHERE seq = 2")
    damage(database, "UPDATE audit SET seq = 2 WHERE seq = 3")
    damage(database, "UPDATE audit SET seq = 3 WHERE seq = 100")
    _, fault = check(database)
    assert fault is not None
    assert fault.seq == 2


def test_a_row_forged_with_its_own_hash_is_found_by_its_successor(store, database):
    fill(store)
    with database.transaction() as connection:
        row = next(e for e in audit_log.entries(connection) if e.seq == 3)
        forged = audit_log.Entry(row.seq, row.at, row.event, "U0EVE", row.subject, row.data, row.previous, "")
        connection.execute(
            sa.text("UPDATE audit SET actor = 'U0EVE', hash = :hash WHERE seq = 3"), {"hash": forged.computed()}
        )
    _, fault = check(database)
    assert fault is not None
    assert fault.seq == 4


def test_the_newest_entries_come_oldest_first(store, database):
    fill(store)
    with database.reading() as connection:
        assert [entry.seq for entry in audit_log.entries(connection, newest=2)] == [4, 5]
