"""mysql.applier_workers: what each worker does and where it failed, as far as the version tells."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from actions.diagnostics.mysql.applier_workers import NO_TRANSACTIONS, NO_WORKERS, ApplierWorkers, applier_workers
from bot.lab.lab_state import LabInstance, LabState
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_104, MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

TABLE = "performance_schema.replication_applier_status_by_worker"
IDLE = {"id": 1, "state": "ON", "errno": 0, "error": "", "applying": "", "age": 0}
BUSY = {"id": 2, "state": "ON", "errno": 0, "error": "", "applying": "u:12", "age": 41}
FAILED = {
    "id": 3,
    "state": "OFF",
    "errno": 1062,
    "error": "Could not execute Write_rows event on table shop.users; Duplicate entry 'jane' for key 'PRIMARY'",
    "applying": "u:11",
    "age": 44,
}


@pytest.mark.parametrize("version", [MYSQL_80, MYSQL_97], ids=str)
def test_mysql_8_tells_what_each_worker_applies(version):
    db = Recorded(version, {TABLE: [IDLE, BUSY]})
    found = applier_workers(db)
    assert found.known
    assert [(w.id, w.running, w.applying, w.applying_for) for w in found.workers] == [
        (1, True, "", 0.0),
        (2, True, "u:12", 41.0),
    ]
    assert (found.busiest_for, found.note, found.error) == (41.0, "", "")
    assert "APPLYING_TRANSACTION AS applying" in db.asked[0][0]


@pytest.mark.parametrize(
    ("version", "id_column"),
    [(MYSQL_57, "WORKER_ID AS id"), (MARIADB_104, "THREAD_ID AS id"), (MARIADB_1011, "THREAD_ID AS id")],
    ids=str,
)
def test_others_tell_states_and_errors_alone_and_that_is_said(version, id_column):
    db = Recorded(version, {TABLE: [IDLE]})
    found = applier_workers(db)
    assert found.known
    assert found.note == NO_TRANSACTIONS
    assert id_column in db.asked[0][0]
    assert "APPLYING_TRANSACTION" not in db.asked[0][0]


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_80, MYSQL_97, MARIADB_104, MARIADB_1011], ids=str)
def test_without_workers_nothing_is_known_and_that_is_said(version):
    assert applier_workers(Recorded(version, {TABLE: []})) == ApplierWorkers(note=NO_WORKERS)


def test_what_failed_workers_say_is_kept_without_values():
    found = applier_workers(Recorded(MYSQL_97, {TABLE: [IDLE, FAILED]}))
    assert found.error.startswith("Could not execute Write_rows event on table shop.users")
    assert "jane" not in found.error
    assert not found.workers[1].running


def test_null_columns_are_no_reason_to_break():
    row = {"id": 1, "state": None, "errno": 0, "error": None, "applying": None, "age": None}
    (worker,) = applier_workers(Recorded(MYSQL_97, {TABLE: [row]})).workers
    assert (worker.running, worker.error, worker.applying, worker.applying_for) == (False, "", "", 0.0)


@pytest.mark.lab
def test_real_workers_of_mysql(notes):
    with reader(notes, notes.instance("orders-2")) as db:
        found = applier_workers(db)
    assert found.known
    assert len(found.workers) == 4
    assert all(worker.running for worker in found.workers)


@pytest.mark.lab
def test_a_real_worker_that_failed_says_more_than_its_coordinator(notes, broken):
    with reader(notes, broken("replication_stopped", "mysql")) as db:
        found = applier_workers(db)
    assert [worker.errno for worker in found.workers if worker.errno] == [1205]
    assert "Lock wait timeout exceeded" in found.error
    assert "shop.heartbeat" in found.error


@pytest.mark.lab
def test_mariadb_applies_with_one_thread_by_default(notes):
    with reader(notes, notes.instance("billing-2")) as db:
        assert applier_workers(db) == ApplierWorkers(note=NO_WORKERS)


STOP, START = "STOP REPLICA SQL_THREAD", "START REPLICA SQL_THREAD"


@pytest.fixture
def parallel(notes: LabState) -> Iterator[LabInstance]:
    """The replica of MariaDB with two workers."""
    replica = notes.instance("billing-2")
    administer(replica, STOP, "SET GLOBAL slave_parallel_threads = 2", START)
    yield replica
    administer(replica, STOP, "SET GLOBAL slave_parallel_threads = 0", START)


@pytest.mark.lab
def test_real_workers_of_mariadb(notes, parallel):
    with reader(notes, parallel) as db:
        found = applier_workers(db)
    assert found.known
    assert [worker.running for worker in found.workers] == [True, True]
    assert all(worker.id for worker in found.workers)
    assert found.note == NO_TRANSACTIONS


@pytest.mark.lab
def test_a_real_worker_of_mariadb_that_failed_has_lost_its_number_and_keeps_its_error(notes, parallel, broken):
    broken("replication_stopped", "mariadb")
    with reader(notes, parallel) as db:
        found = applier_workers(db)
    assert [(worker.id, worker.running) for worker in found.workers] == [(0, False), (0, False)]
    errors = {worker.errno for worker in found.workers}
    assert errors in ({0, 1205}, {0, 1213})  # the other worker's wait may make a deadlock of it
    assert re.search("Lock wait timeout exceeded|Deadlock found", found.error)


@pytest.mark.lab
def test_workers_that_mariadb_had_once_are_not_told(notes, parallel, broken):
    broken("replication_stopped", "mariadb")
    administer(parallel, "SET GLOBAL slave_parallel_threads = 0", START)
    with reader(notes, parallel) as db:
        assert applier_workers(db) == ApplierWorkers(note=NO_WORKERS)


@pytest.mark.lab
def test_a_primary_has_none(notes, primary):
    with reader(notes, primary) as db:
        assert applier_workers(db) == ApplierWorkers(note=NO_WORKERS)
