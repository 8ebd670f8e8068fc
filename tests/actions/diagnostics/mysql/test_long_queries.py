"""mysql.long_queries: what has run for long, and why some of it is left alone."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.long_queries import LongQueries, long_queries
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, UNNAMED, Recorded

ROW = {
    "id": 7,
    "user": "report",
    "command": "Query",
    "state": "Sending data",
    "qid": 0,
    "since": 1_700_000_000,
    "info": "SELECT SUM(cents) FROM orders WHERE mail = 'jane@example.com'",
    "started": None,
    "modified": 0,
    "trx_state": "",
    "ours": 0,
    "time": 900,
    "host": "10.0.0.7:51234",
    "db": "shop",
    "examined": 123456,
}


@pytest.mark.parametrize(
    ("version", "part"),
    [
        (MYSQL_57, "events_statements_current"),
        (MYSQL_97, "events_statements_current"),
        (MARIADB_1011, "p.EXAMINED_ROWS"),
    ],
    ids=str,
)
def test_a_statement_with_what_it_has_read(version, part):
    db = Recorded(version, {**UNNAMED, "FROM": [ROW]})
    found = long_queries(db, older_than=60.0)
    (query,) = found.queries
    assert (query.thread_id, query.user, query.host, query.database) == (7, "report", "10.0.0.7", "shop")
    assert (query.running_for, query.rows_examined, query.command_since) == (900.0, 123456, 1_700_000_000)
    assert query.statement == "SELECT SUM(cents) FROM orders WHERE mail = ?"
    assert found.stoppable == (query,)
    assert part in db.asked[0][0]
    assert db.asked[0][1] == (60.0,)


@pytest.mark.parametrize(
    "change",
    [
        {"user": "backup"},
        {"info": "SELECT /*!40001 SQL_NO_CACHE */ * FROM t"},
        {"info": "ALTER TABLE t ADD c INT"},
        {"modified": 200_000},
        {"command": "Killed"},
    ],
    ids=lambda change: str(next(iter(change.values())))[:20],
)
def test_some_are_never_stopped_and_it_is_said_why(change):
    found = long_queries(Recorded(MYSQL_97, {**UNNAMED, "FROM": [{**ROW, **change}]}))
    assert found.stoppable == ()
    assert found.queries[0].protected


def test_none():
    assert long_queries(Recorded(MYSQL_97, {"FROM": []})) == LongQueries()


@pytest.mark.lab
def test_a_real_statement(notes, primary, client):
    busy = client(primary, "reports")
    busy.runs("SELECT SLEEP(20), note FROM notes WHERE id = 3")
    with reader(notes, primary) as db:
        found = long_queries(db, older_than=0.0)
    mine = next(each for each in found.stoppable if each.thread_id == busy.id)
    assert (mine.user, mine.database, mine.host) == ("reports", "shop", "127.0.0.1")
