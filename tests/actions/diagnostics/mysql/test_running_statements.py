"""mysql.running_statements: what runs, by its shape, and which of it may be stopped."""

from __future__ import annotations

from collections import Counter

import pytest

from actions.diagnostics.mysql.running_statements import MOST_READ, running_statements
from actions.killable_sessions import MOST_STATEMENTS
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded, named

ROW = {
    "id": 7,
    "user": "app",
    "command": "Query",
    "state": "Sending data",
    "qid": 0,
    "since": 1_700_000_000,
    "info": "SELECT * FROM t WHERE id = 7",
    "started": None,
    "modified": 0,
    "trx_state": "",
    "ours": 0,
    "time": 9,
}


def server(version, rows):
    states = [{"state": state, "sessions": n} for state, n in Counter(row["state"] for row in rows).most_common()]
    return Recorded(version, {"GLOBAL STATUS": named(Threads_running=9), "COUNT(*)": states, "FROM": rows})


@pytest.mark.parametrize(
    ("version", "table"),
    [
        (MYSQL_57, "information_schema.PROCESSLIST"),
        (MYSQL_80, "performance_schema.processlist"),
        (MYSQL_97, "performance_schema.processlist"),
        (MARIADB_1011, "information_schema.PROCESSLIST"),
    ],
    ids=str,
)
def test_sessions_are_grouped_by_the_shape_of_what_they_run(version, table):
    rows = [
        ROW,
        {**ROW, "id": 8, "info": "SELECT * FROM t WHERE id = 8", "time": 4},
        {**ROW, "id": 9, "info": "SELECT 1"},
    ]
    db = server(version, rows)
    found = running_statements(db)
    first = found.shapes[0]
    assert (found.running, found.threads_running) == (3, 9)
    assert (first.statement, first.sessions, first.share) == ("SELECT * FROM t WHERE id = ?", 2, 66.7)
    assert (first.stoppable, first.longest, first.users) == ((7, 8), 9.0, ("app",))
    assert table in db.asked[0][0]


def test_what_is_protected_is_not_among_those_that_may_be_stopped():
    rows = [{**ROW, "user": "backup", "id": 1}, {**ROW, "user": "backup", "id": 2}]
    (shape,) = running_statements(server(MYSQL_97, rows)).shapes
    assert shape.stoppable == ()
    assert "never killed" in shape.protected


def test_no_more_are_named_than_may_be_stopped_at_once():
    rows = [{**ROW, "id": number} for number in range(MOST_STATEMENTS + 40)]
    (shape,) = running_statements(server(MYSQL_97, rows)).shapes
    assert (shape.sessions, len(shape.stoppable), shape.beyond) == (MOST_STATEMENTS + 40, MOST_STATEMENTS, 40)


def test_waits_are_counted_by_state():
    rows = [
        {**ROW, "state": "Waiting for table metadata lock"},
        {**ROW, "state": "Waiting for table flush"},
        {**ROW, "state": "Waiting for semi-sync ACK from replica"},
    ]
    found = running_statements(server(MYSQL_97, rows))
    assert (found.waiting_for_locks, found.waiting_for_acknowledgement) == (1, 1)


def test_all_sessions_are_counted_and_the_statements_of_a_thousand_are_read():
    found = running_statements(server(MYSQL_97, [{**ROW, "id": number} for number in range(5000)]))
    assert (found.running, found.complete, found.shapes[0].sessions) == (5000, False, MOST_READ)


def test_nobody_runs_anything():
    found = running_statements(server(MYSQL_97, []))
    assert (found.running, found.shapes, found.states) == (0, (), ())


@pytest.mark.lab
def test_a_real_statement_is_seen_with_its_session(notes, primary, client):
    busy = client(primary, "reports")
    busy.runs("SELECT SLEEP(20), note FROM notes WHERE id = 3")
    with reader(notes, primary) as db:
        found = running_statements(db)
    shape = next(each for each in found.shapes if "SLEEP" in each.statement)
    assert shape.statement == "SELECT SLEEP(?), note FROM notes WHERE id = ?"
    assert (shape.users, shape.stoppable) == (("reports",), (busy.id,))
