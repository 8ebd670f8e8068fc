"""mysql.applier_blockers: who may hold the lock on which the applier gave up, and how long it tries."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.applier_blockers import ApplierBlockers, applier_blockers
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

ROW = {"id": 41, "user": "batch", "host": "app1:4711", "command": "Sleep", "rows_locked": 3, "age": 300}
PATIENCE = named(innodb_lock_wait_timeout=50, replica_transaction_retries=10)


def read(rows, variables=PATIENCE, version=MYSQL_97):
    return applier_blockers(Recorded(version, {"INNODB_TRX": rows, "GLOBAL VARIABLES": variables}))


def test_a_transaction_is_named_with_its_session():
    found = read([ROW, {**ROW, "id": 42, "command": "Query"}])
    assert found.says == "session 41 of batch@app1 (idle), session 42 of batch@app1"
    assert (found.blockers[0].age, found.blockers[0].rows_locked, found.complete) == (300.0, 3, True)
    assert found.gives_up_after == 550


def test_a_prepared_transaction_has_no_session():
    nobody = {"id": 0, "user": "", "host": "", "command": ""}
    assert read([{**ROW, **nobody}]).says == "a prepared XA transaction"


def test_more_than_can_be_named_are_counted_and_said_to_be_cut():
    found = read([{**ROW, "id": number} for number in range(1, 22)])
    assert (len(found.blockers), found.complete) == (20, False)
    assert found.says.endswith("and 17 more")


@pytest.mark.parametrize("version", [MYSQL_57, MARIADB_1011])
def test_the_retries_have_the_older_name_elsewhere(version):
    found = read([], named(innodb_lock_wait_timeout=5, slave_transaction_retries=1), version)
    assert found.gives_up_after == 10


def test_an_unknown_patience_is_zero():
    assert read([], []) == ApplierBlockers()


@pytest.mark.lab
def test_locks_and_changes_count_and_a_plain_read_does_not(notes, replica, client):
    holder, plain = client(replica, "reports"), client(replica, "reports")
    for session, lock in ((holder, " LOCK IN SHARE MODE"), (plain, "")):
        session.begin()
        session.ask(f"SELECT * FROM shop.notes WHERE id = 3{lock}")
    with reader(notes, replica) as db:
        found = {each.thread_id: each for each in applier_blockers(db).blockers}
    assert holder.id in found
    assert found[holder.id].idle
    assert plain.id not in found
