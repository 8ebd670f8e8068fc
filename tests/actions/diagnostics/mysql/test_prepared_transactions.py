"""mysql.prepared_transactions: what a coordinator left behind."""

from __future__ import annotations

from datetime import datetime

import pytest

from actions.diagnostics.mysql.prepared_transactions import PreparedTransactions, prepared_transactions
from actions.diagnostics.mysql.wait_graph import wait_graph
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

XID = {"formatID": 7, "gtrid_length": 3, "bqual_length": 2, "data": "fm1b1"}
ORPHAN = {
    "started": datetime(2026, 3, 1, 3, 0),  # noqa: DTZ001 - the server gives no zone
    "age": 900,
    "locked": 3,
    "modified": 2,
}


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
@pytest.mark.parametrize("data", ["fm1b1", b"fm1b1"], ids=["text", "bytes"])
def test_ids_stand_as_the_server_takes_them(version, data):
    db = Recorded(version, {"XA RECOVER": [{**XID, "data": data}], "trx_mysql_thread_id = 0": [ORPHAN]})
    found = prepared_transactions(db)
    assert found.xids == ("0x666d31,0x6231,7",)
    assert (found.oldest, found.orphans[0].rows_locked, found.orphans[0].rows_modified) == (900.0, 3, 2)


def test_one_that_a_session_still_holds_is_no_orphan():
    found = prepared_transactions(Recorded(MYSQL_97, {"XA RECOVER": [XID], "thread_id = 0": []}))
    assert (len(found.xids), found.orphans) == (1, ())


def test_none():
    db = Recorded(MYSQL_97, {"XA RECOVER": [], "thread_id = 0": []})
    assert prepared_transactions(db) == PreparedTransactions()


@pytest.mark.lab
def test_a_real_one_that_others_wait_for(notes, primary, client):
    worker = client(primary)
    for statement in ("XA START 'a','b',1", "UPDATE notes SET note = 'xa' WHERE id = 9", "XA END 'a','b',1"):
        worker.ask(statement)
    worker.ask("XA PREPARE 'a','b',1")
    worker.close()
    try:
        waiter = client(primary, "deploy")
        waiter.runs("UPDATE notes SET note = 'wait' WHERE id = 9")
        with reader(notes, primary) as db:
            found = prepared_transactions(db)
            waits = wait_graph(db)
    finally:
        administer(primary, "XA ROLLBACK 'a','b',1")
    assert found.xids == ("0x61,0x62,1",)
    assert found.orphans[0].rows_modified == 1
    assert (waits.behind_prepared, [each.thread_id for each in waits.holders]) == (1, [0])
