"""mysql.prepared_transactions: what a coordinator left behind."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.diagnostics.mysql.prepared_transactions import PreparedTransactions, prepared_transactions, xid_bytes
from actions.diagnostics.mysql.wait_graph import wait_graph
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

XID = {"formatID": 7, "gtrid_length": 3, "bqual_length": 2, "data": "0x666d316231"}
ORPHAN = {
    "started": datetime(2026, 3, 1, 3, 0),  # noqa: DTZ001 - the server gives no zone
    "age": 900,
    "locked": 3,
    "modified": 2,
}


@pytest.mark.parametrize(
    ("version", "data"),
    [
        (MYSQL_57, "0x666d316231"),
        (MYSQL_97, "0x666d316231"),
        (MARIADB_1011, "'fm1','b1',7"),
        (MARIADB_1011, "X'666d31',X'6231',7"),
    ],
    ids=str,
)
def test_ids_stand_as_the_server_takes_them(version, data):
    db = Recorded(version, {"XA RECOVER": [{**XID, "data": data}], "trx_mysql_thread_id = 0": [ORPHAN]})
    found = prepared_transactions(db)
    assert found.xids == ("0x666d31,0x6231,7",)
    assert (found.oldest, found.orphans[0].rows_locked, found.orphans[0].rows_modified) == (900.0, 3, 2)


def as_mariadb(gtrid: bytes, bqual: bytes) -> str:
    """What MariaDB writes: text while every byte is printable, else hexadecimal; a part that is the default is left
    out."""
    if all(32 <= byte < 127 for byte in gtrid + bqual):
        return f"'{gtrid.decode()}'" + (f",'{bqual.decode()}'" if bqual else "")
    return f"X'{gtrid.hex()}'" + (f",X'{bqual.hex()}'" if bqual else "")


@given(gtrid=st.binary(min_size=1, max_size=64), bqual=st.binary(max_size=64))
def test_any_bytes_are_an_id(gtrid, bqual):
    for data in ("0x" + (gtrid + bqual).hex(), as_mariadb(gtrid, bqual)):
        assert xid_bytes(data, len(gtrid), len(bqual)) == gtrid + bqual


@given(text=st.text("'X,0x1a", min_size=1, max_size=20), cut=st.integers(min_value=1, max_value=20))
def test_printable_ids_may_contain_quotes_and_look_like_hexadecimal(text, cut):
    gtrid, bqual = text[:cut].encode(), text[cut:].encode()
    assert xid_bytes(as_mariadb(gtrid, bqual), len(gtrid), len(bqual)) == text.encode()


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


@pytest.mark.lab
@pytest.mark.parametrize("xid", ["0x00ff10,0xaa,77", "0x6127,'',1", "0x61,0x62,9"])
def test_ids_of_any_bytes_on_a_real_server(notes, primary, client, xid):
    worker = client(primary)
    for statement in (f"XA START {xid}", "UPDATE notes SET note = 'xa' WHERE id = 8", f"XA END {xid}"):
        worker.ask(statement)
    worker.ask(f"XA PREPARE {xid}")
    worker.close()
    try:
        with reader(notes, primary) as db:
            found = prepared_transactions(db)
    finally:
        administer(primary, f"XA ROLLBACK {xid}")
    assert found.xids == (xid,)
