"""mysql.lock_waits: who waits for a row, who holds it, and nothing costly where nobody waits."""

from __future__ import annotations

from datetime import datetime

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.lock_waits import MOST_ROWS_LOCKED, LockWaits, lock_waits
from tests.actions.hands import reader
from tests.recorded import MARIADB_104, MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

COUNTER = "Innodb_row_lock_current_waits"
HOLDER = {
    "id": 10,
    "user": "app",
    "host": "10.0.0.7:51234",
    "command": "Sleep",
    "time": 95,
    "since": 1_700_000_000,
    "age": 100,
    "started": datetime(2026, 3, 1, 3, 0),  # noqa: DTZ001 - the server gives no zone
    "modified": 2,
    "statement": "",
}


def wait(waiter: int, blocker: int, waited: int = 5, statement: str | None = "UPDATE t SET a = 1"):
    return {"waiter": waiter, "blocker": blocker, "waited": waited, "statement": statement}


def server(version, waits, *, current=1, locked=10, holders=(HOLDER,), applier=()):
    return Recorded(
        version,
        {
            COUNTER: [{"Variable_name": COUNTER, "Value": str(current)}],
            "SUM(trx_rows_locked)": [{"locked": locked}],
            "AS waiter": waits,
            "USER = 'system user'": applier,
            "AS modified": holders,
        },
    )


@pytest.mark.parametrize(
    ("version", "table"),
    [
        (MYSQL_57, "information_schema.INNODB_LOCK_WAITS"),
        (MYSQL_80, "performance_schema.data_lock_waits"),
        (MYSQL_97, "performance_schema.data_lock_waits"),
        (MARIADB_104, "information_schema.INNODB_LOCK_WAITS"),
        (MARIADB_1011, "information_schema.INNODB_LOCK_WAITS"),
    ],
    ids=str,
)
def test_waits_are_followed_to_the_session_that_waits_for_nobody(version, table):
    # 13 waits for 12, which waits for 11, which waits for 10; 12 waits for 10 as well.
    db = server(version, [wait(11, 10), wait(12, 10, 9), wait(12, 11, 9), wait(13, 12, 2, "DELETE FROM t")])
    found = lock_waits(db)
    assert (found.waiting, found.longest, found.read) == (3, 9.0, True)
    (blocker,) = found.blockers
    assert (blocker.thread_id, blocker.waiting, blocker.idle, blocker.host) == (10, 2, True, "10.0.0.7")
    assert (blocker.age, blocker.command_for, blocker.rows_modified) == (100.0, 95.0, 2)
    assert blocker.started == "2026-03-01 03:00:00"
    assert found.waiting_statements == ("DELETE FROM t", "UPDATE t SET a = ?")
    assert db.costly == 1
    assert any(f"FROM {table} " in sql for sql, _ in db.asked)


@pytest.mark.parametrize("gate", [[], [{"Variable_name": COUNTER, "Value": "0"}]])
def test_where_nobody_waits_nothing_more_is_asked(gate):
    db = Recorded(MYSQL_97, {COUNTER: gate})
    assert lock_waits(db) == LockWaits()
    assert (len(db.asked), db.costly) == (1, 0)


def test_where_too_many_rows_are_locked_the_waits_are_not_read_and_that_is_said():
    db = server(MYSQL_97, [], current=7, locked=MOST_ROWS_LOCKED + 1)
    assert lock_waits(db) == LockWaits(waiting=7, read=False)
    assert db.costly == 0


def test_waits_that_are_over_when_they_are_read_are_none():
    found = lock_waits(server(MYSQL_97, [], current=3))
    assert (found.waiting, found.blockers, found.applier_waits) == (0, (), False)


def test_the_blocker_of_most_comes_first():
    holders = [{**HOLDER, "id": 20}, HOLDER]
    found = lock_waits(server(MYSQL_97, [wait(11, 10), wait(12, 10), wait(13, 20)], holders=holders))
    assert [(b.thread_id, b.waiting) for b in found.blockers] == [(10, 2), (20, 1)]


def test_a_blocker_that_is_gone_meanwhile_is_not_named():
    found = lock_waits(server(MYSQL_97, [wait(11, 10)], holders=()))
    assert (found.waiting, found.blockers) == (1, ())


def test_an_applier_that_waits_is_told_and_has_no_statement():
    found = lock_waits(server(MYSQL_97, [wait(11, 10, statement=None)], applier=[{"id": 11}]))
    assert found.applier_waits
    assert found.waiting_statements == ()


def test_what_the_gate_refuses_is_not_hidden():
    db = server(MYSQL_97, [])
    db.answers["AS waiter"] = Unreadable("db7:3306 was asked this 3 s ago")
    with pytest.raises(Unreadable, match="was asked this"):
        lock_waits(db)


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_real_waits_for_a_row(notes, broken, flavour):
    primary = broken("row_locks", flavour)
    with reader(notes, primary) as db:
        found = lock_waits(db)
    assert found.waiting >= 3
    assert not found.applier_waits
    (blocker,) = found.blockers
    assert (blocker.user, blocker.idle, blocker.rows_modified, blocker.waiting) == ("app", True, 1, found.waiting)
    assert f"UPDATE {'orders' if flavour == 'mysql' else 'invoices'} SET status = ? WHERE id = ?" in (
        found.waiting_statements
    )


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_real_applier_that_waits(notes, broken, flavour):
    replica = broken("replication_lag", flavour)
    with reader(notes, replica) as db:
        found = lock_waits(db)
    assert found.applier_waits
    assert [blocker.user for blocker in found.blockers] == ["reports"]


@pytest.mark.lab
def test_a_server_at_rest_has_none(notes, replica):
    with reader(notes, replica) as db:
        assert lock_waits(db) == LockWaits()
