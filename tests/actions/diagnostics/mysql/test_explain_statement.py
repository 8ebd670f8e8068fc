"""mysql.explain_statement: how the server goes about what runs."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.explain_statement import explain_statement
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

ROW = {"table": "orders", "type": "ALL", "key": None, "rows": 900_000, "Extra": "Using where"}


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        (MYSQL_57, "EXPLAIN FORMAT=TRADITIONAL FOR CONNECTION 41"),
        (MYSQL_97, "EXPLAIN FORMAT=TRADITIONAL FOR CONNECTION 41"),
        (MARIADB_1011, "EXPLAIN FOR CONNECTION 41"),
    ],
    ids=str,
)
def test_the_plan_table_by_table(version, asked):
    db = Recorded(version, {"EXPLAIN": [ROW, {**ROW, "table": "c", "type": "ref", "key": "PRIMARY", "rows": 1}]})
    found = explain_statement(db, thread_id=41)
    assert [each.table for each in found.accesses] == ["orders", "c"]
    assert [each.table for each in found.full_scans] == ["orders"]
    assert db.asked == [(asked, ())]


@pytest.mark.lab
def test_real_servers(notes, primary, client):
    busy = client(primary, "reports")
    busy.runs("SELECT COUNT(*) FROM notes a JOIN notes b WHERE SLEEP(0.1) = 0", until="")
    with reader(notes, primary) as db:
        if primary.flavour == "mysql":  # it wants SELECT on the tables, which the reader does not have
            with pytest.raises(Unreadable, match="1045"):
                explain_statement(db, thread_id=busy.id)
        else:
            assert {each.table for each in explain_statement(db, thread_id=busy.id).accesses} == {"a", "b"}


@pytest.mark.lab
def test_a_session_that_is_gone_is_told(notes, primary):
    with reader(notes, primary) as db, pytest.raises(Unreadable, match="1094"):
        explain_statement(db, thread_id=999_999_999)
