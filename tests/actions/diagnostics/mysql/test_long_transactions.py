"""mysql.long_transactions: who holds a transaction open, oldest first, and nothing of its literals."""

from __future__ import annotations

from datetime import datetime

import pytest

from actions.diagnostics.mysql.long_transactions import LongTransactions, long_transactions
from tests.actions.hands import reader, seen
from tests.recorded import MARIADB_104, MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

ROW = {
    "id": 41,
    "user": "app",
    "host": "10.0.0.7:51234",
    "command": "Sleep",
    "state": "",
    "qid": 0,
    "age": 95,
    "idle_for": 90,
    "since": 1_700_000_000,
    "started": datetime(2026, 3, 1, 3, 0),  # noqa: DTZ001 - the server gives no zone
    "rows_locked": 4,
    "modified": 2,
    "trx_state": "RUNNING",
    "info": "",
    "ours": 0,
}


@pytest.mark.parametrize(
    ("version", "table"),
    [
        (MYSQL_57, "information_schema.PROCESSLIST"),
        (MYSQL_80, "performance_schema.processlist"),
        (MYSQL_97, "performance_schema.processlist"),
        (MARIADB_104, "information_schema.PROCESSLIST"),
        (MARIADB_1011, "information_schema.PROCESSLIST"),
    ],
    ids=str,
)
def test_a_transaction_with_its_session(version, table):
    db = Recorded(version, {"INNODB_TRX": [ROW, {**ROW, "id": 42, "age": 40}]})
    found = long_transactions(db, older_than=30.0)
    first = found.transactions[0]
    assert (found.oldest, len(found.transactions)) == (95.0, 2)
    assert (first.thread_id, first.host, first.command, first.idle_for) == (41, "10.0.0.7", "Sleep", 90.0)
    assert (first.started, first.command_since) == ("2026-03-01 03:00:00", 1_700_000_000)
    assert (first.rows_locked, first.rows_modified) == (4, 2)
    assert f"JOIN {table} " in db.asked[0][0]
    assert db.asked[0][1] == (30.0,)


def test_none_is_none():
    assert long_transactions(Recorded(MYSQL_97, {"INNODB_TRX": []})) == LongTransactions()


def test_literals_are_not_kept():
    row = {**ROW, "info": "UPDATE users SET mail = 'jane@example.com' WHERE id = 7"}
    (found,) = long_transactions(Recorded(MYSQL_97, {"INNODB_TRX": [row]})).transactions
    assert found.statement == "UPDATE users SET mail = ? WHERE id = ?"


def test_an_address_without_a_port_and_one_of_ipv6_are_kept():
    rows = [{**ROW, "host": "localhost", "idle_for": None}, {**ROW, "host": "::1:50412"}]
    found = long_transactions(Recorded(MYSQL_97, {"INNODB_TRX": rows})).transactions
    assert [each.host for each in found] == ["localhost", "::1"]
    assert found[0].idle_for == 0.0


@pytest.mark.lab
def test_a_real_transaction_that_was_left_open(notes, primary, client):
    holder = client(primary)
    holder.begin()
    holder.ask("UPDATE notes SET note = CONCAT(note, '.') WHERE id IN (1, 2)")
    seen(notes, primary, holder.id, lambda session: session.rows_modified == 2)
    with reader(notes, primary) as db:
        found = long_transactions(db, older_than=0.0).transactions
        assert holder.id not in {each.thread_id for each in long_transactions(db, older_than=600.0).transactions}
    mine = next(each for each in found if each.thread_id == holder.id)
    assert (mine.user, mine.command, mine.statement, mine.host) == ("app", "Sleep", "", "127.0.0.1")
    assert mine.rows_modified == 2
    assert mine.rows_locked >= 2
    assert mine.started.startswith("20")


@pytest.mark.lab
def test_a_statement_under_way_is_shown_without_its_literals(notes, primary, client):
    reports = client(primary, "reports")
    reports.runs("SELECT id, SLEEP(20), 'secret' FROM notes")
    seen(notes, primary, reports.id, lambda session: session.transaction_started != "")
    with reader(notes, primary) as db:
        found = long_transactions(db, older_than=0.0).transactions
    assert [each.statement for each in found if each.user == "reports"] == ["SELECT id, SLEEP(?), ? FROM notes"]


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_the_appliers_own_transaction_is_left_out(notes, broken, flavour):
    replica = broken("replication_lag", flavour)
    with reader(notes, replica) as db:
        found = long_transactions(db, older_than=0.0).transactions
    assert [each.user for each in found] == ["reports"]
