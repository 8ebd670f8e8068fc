"""mysql.deadlocks: who met in the last one, by the server's own account."""

from __future__ import annotations

import threading
from datetime import datetime

import pymysql
import pytest

from actions.contract import Row, ServerVersion
from actions.diagnostics.mysql.deadlocks import Deadlocks, deadlocks, parse_deadlock
from bot.lab.connections import administrator, ask
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

MYSQL = """
=====================================
2026-03-01 03:00:00 140373002712768 INNODB MONITOR OUTPUT
=====================================
------------------------
LATEST DETECTED DEADLOCK
------------------------
2026-03-01 02:59:48 140372
*** (1) TRANSACTION:
TRANSACTION 5170, ACTIVE 1 sec starting index read
mysql tables in use 1, locked 1
MySQL thread id 41, OS thread handle 140, query id 900 10.0.0.7 app updating
UPDATE seats SET taken = 5 WHERE mail = 'jane@example.com'

*** (1) HOLDS THE LOCK(S):
RECORD LOCKS space id 5 page no 4 n bits 72 index PRIMARY of table `shop`.`seats` trx id 5170 lock_mode X

*** (1) WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 5 page no 4 n bits 72 index PRIMARY of table `shop`.`seats` trx id 5170 lock_mode X waiting

*** (2) TRANSACTION:
TRANSACTION 5171, ACTIVE 1 sec starting index read
MySQL thread id 42, OS thread handle 141, query id 901 10.0.0.8 batch updating
DELETE FROM orders WHERE id = 9

*** (2) WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 6 page no 4 n bits 72 index by_customer of table `shop`.`orders` trx id 5171 lock_mode X waiting

*** WE ROLL BACK TRANSACTION (2)
------------
TRANSACTIONS
------------
Trx id counter 5173
"""
COUNTERS: dict[ServerVersion, dict[str, list[Row]]] = {
    MYSQL_57: {"lock_deadlocks": [{"total": 9}]},
    MYSQL_97: {"lock_deadlocks": [{"total": 9}]},
    MARIADB_1011: {"GLOBAL STATUS": named(Innodb_deadlocks=9)},
}


def test_both_parties_are_read_without_their_values():
    at, (first, second) = parse_deadlock(MYSQL)
    assert at == "2026-03-01 02:59:48"
    assert (first.thread_id, first.user, first.victim) == (41, "app", False)
    assert first.statement == "UPDATE seats SET taken = ? WHERE mail = ?"
    assert first.waited_for == "shop.seats PRIMARY"
    assert (second.user, second.victim, second.waited_for) == ("batch", True, "shop.orders by_customer")
    assert second.statement == "DELETE FROM orders WHERE id = ?"


@pytest.mark.parametrize("text", ["", "no such section", MYSQL.replace("LATEST DETECTED DEADLOCK", "OTHER")])
def test_none_is_none(text):
    assert parse_deadlock(text) == ("", ())


@pytest.mark.parametrize("version", COUNTERS, ids=str)
def test_the_counter_is_read_twice(version):
    db = Recorded(
        version,
        {
            **COUNTERS[version],
            "INNODB STATUS": [{"Status": MYSQL}],
            "GLOBAL VARIABLES": named(innodb_print_all_deadlocks="OFF"),
            "NOW()": [{"now": datetime(2026, 3, 1, 3, 0)}],  # noqa: DTZ001 - the server gives no zone
        },
    )
    found = deadlocks(db)
    assert (found.total, found.new, found.age, found.same_statement) == (9, 0, 12.0, False)
    assert db.paused == 1.0


@pytest.mark.lab
def test_a_real_deadlock(notes, primary, client):
    with administrator(primary) as admin:
        ask(admin, "CREATE TABLE IF NOT EXISTS shop.pair (id INT PRIMARY KEY, n INT NOT NULL)")
        ask(admin, "REPLACE INTO shop.pair VALUES (1, 0), (2, 0)")
    one, other = client(primary), client(primary, "deploy")
    one.begin()
    other.begin()
    one.ask("UPDATE pair SET n = 1 WHERE id = 1")
    other.ask("UPDATE pair SET n = 1 WHERE id = 2")
    errors: list[int] = []

    def last() -> None:
        try:
            other.ask("UPDATE pair SET n = 1 WHERE id = 1")
        except pymysql.err.OperationalError as error:
            errors.append(error.args[0])

    meets = threading.Thread(target=last)
    meets.start()
    try:
        one.ask("UPDATE pair SET n = 1 WHERE id = 2")
    except pymysql.err.OperationalError as error:
        errors.append(error.args[0])
    meets.join(10)
    assert errors == [1213]
    for each in (one, other):
        each.ask("ROLLBACK")  # or the table could not be dropped
    with reader(notes, primary) as db:
        found = deadlocks(db)
    with administrator(primary) as admin:
        ask(admin, "DROP TABLE shop.pair")
    assert found.total >= 1
    assert {party.user for party in found.parties} == {"app", "deploy"}
    assert sum(party.victim for party in found.parties) == 1
    assert found.same_statement
    assert found.parties[0].statement == "UPDATE pair SET n = ? WHERE id = ?"
    assert found.parties[0].waited_for == "shop.pair PRIMARY"
    assert found.age is not None
    assert found.age < 60


def test_a_server_that_says_nothing():
    db = Recorded(
        MYSQL_97,
        {"lock_deadlocks": [], "INNODB STATUS": [], "GLOBAL VARIABLES": [], "NOW()": [{"now": None}]},
    )
    assert deadlocks(db) == Deadlocks()
