"""mysql.metadata_lock_waits: the waits for metadata locks and who is at their root; a guess is called one."""

from __future__ import annotations

from datetime import datetime

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.metadata_lock_waits import MetadataLockWaits, metadata_lock_waits
from tests.actions.hands import reader
from tests.recorded import MARIADB_104, MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

DDL = {"id": 12, "user": "deploy", "time": 40, "info": "ALTER TABLE orders ADD COLUMN note VARCHAR(40) DEFAULT 'x'"}
SELECT = {"id": 13, "user": "app", "time": 30, "info": "SELECT * FROM orders WHERE id = 7"}
HOLDER = {
    "id": 10,
    "user": "app",
    "host": "10.0.0.7:51234",
    "command": "Sleep",
    "time": 95,
    "since": 1_700_000_000,
    "started": datetime(2026, 3, 1, 3, 0),  # noqa: DTZ001 - the server gives no zone
    "age": 100,
    "modified": 0,
    "statement": "",
}


def hold(waiter: int, holder: int):
    return {"object_schema": "shop", "object_name": "orders", "waiter": waiter, "holder": holder}


def server(version, sessions=(DDL, SELECT), held=(), holders=(HOLDER,)):
    return Recorded(
        version,
        {"STATE = 'Waiting for table metadata lock'": sessions, "AS waiter": held, "AS modified": holders},
    )


@pytest.mark.parametrize("version", [MYSQL_80, MYSQL_97], ids=str)
def test_waits_are_followed_to_the_session_that_waits_for_nobody(version):
    # The SELECT waits for the ALTER, which waits for the idle reader.
    db = server(version, held=[hold(12, 10), hold(13, 10), hold(13, 12)])
    found = metadata_lock_waits(db)
    assert (found.waiting, found.longest, found.object) == (2, 40.0, "shop.orders")
    assert found.ddl == "ALTER TABLE orders ADD COLUMN note VARCHAR(?) DEFAULT ?"
    (holder,) = found.holders
    assert (holder.thread_id, holder.idle, holder.age, holder.inferred) == (10, True, 100.0, False)
    assert holder.started == "2026-03-01 03:00:00"
    sql, params = db.asked[-1]
    assert "p.ID IN (%s)" in sql
    assert params == (10,)


@pytest.mark.parametrize("version", [MYSQL_57, MARIADB_104, MARIADB_1011], ids=str)
def test_where_the_server_keeps_no_account_the_oldest_transaction_is_named_as_a_guess(version):
    db = server(version)
    found = metadata_lock_waits(db)
    assert found.object == ""
    assert [(holder.thread_id, holder.inferred) for holder in found.holders] == [(10, True)]
    sql, params = db.asked[-1]
    assert "p.ID NOT IN (%s, %s)" in sql
    assert "t.trx_state = 'RUNNING'" in sql
    assert sql.endswith("LIMIT 1")
    assert params == (12, 13)


def test_mariadb_without_its_performance_schema_is_a_guess_and_mysql_says_what_is_denied():
    refused = Unreadable("db7:3306 denies it")
    mariadb, mysql = server(MARIADB_1011), server(MYSQL_97)
    mariadb.answers["AS waiter"] = mysql.answers["AS waiter"] = refused
    assert metadata_lock_waits(mariadb).holders[0].inferred
    with pytest.raises(Unreadable, match="denies it"):
        metadata_lock_waits(mysql)


def test_where_nobody_waits_nothing_more_is_asked():
    db = server(MYSQL_97, sessions=())
    assert metadata_lock_waits(db) == MetadataLockWaits()
    assert len(db.asked) == 1


def test_where_no_transaction_is_open_nobody_is_named():
    found = metadata_lock_waits(server(MARIADB_1011, holders=()))
    assert (found.waiting, found.holders) == (2, ())


def test_a_holder_without_a_transaction_and_null_columns_are_no_reason_to_break():
    holder = {**HOLDER, "started": None, "age": 0, "time": None, "command": "Query", "statement": "SELECT SLEEP(9)"}
    rows = [{**SELECT, "time": None, "info": None}]
    found = metadata_lock_waits(server(MYSQL_97, sessions=rows, held=[hold(13, 10)], holders=[holder]))
    assert (found.longest, found.ddl) == (0.0, "")
    assert (found.holders[0].started, found.holders[0].command_for) == ("", 0.0)
    assert found.holders[0].statement == "SELECT SLEEP(?)"


def test_an_applier_that_waits_is_told():
    assert metadata_lock_waits(server(MYSQL_97, sessions=[{**DDL, "user": "system user"}])).applier_waits


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_real_waits_for_a_table(notes, broken, flavour):
    primary = broken("metadata_locks", flavour)
    with reader(notes, primary) as db:
        found = metadata_lock_waits(db)
    table = "orders" if flavour == "mysql" else "invoices"
    assert found.waiting >= 2
    assert found.ddl == f"ALTER TABLE {table} ALTER COLUMN status SET DEFAULT ?"
    assert found.object == ("shop.orders" if flavour == "mysql" else "")
    holder = found.holders[0]
    assert (holder.user, holder.idle, holder.inferred) == ("app", True, flavour == "mariadb")


@pytest.mark.lab
def test_a_server_at_rest_has_none(notes, replica):
    with reader(notes, replica) as db:
        assert metadata_lock_waits(db) == MetadataLockWaits()
