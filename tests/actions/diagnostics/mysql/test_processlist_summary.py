"""mysql.processlist_summary: sessions in groups, and the totals that one looks at."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.processlist_summary import ProcesslistSummary, SessionGroup, processlist_summary
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

MDL = "Waiting for table metadata lock"


def row(user: str, command: str, state: str, sessions: int, longest: object = 1) -> dict[str, object]:
    return {"user": user, "command": command, "state": state, "sessions": sessions, "longest": longest}


ROWS = [
    row("app", "Sleep", "", 40, 900),
    row("app", "Query", MDL, 12, 30),
    row("app", "Execute", "updating", 3),
    row("system user", "Query", "Waiting for an event from Coordinator", 4, 86400),
    row("event_scheduler", "Daemon", "Waiting on empty queue", 1, None),
]


def server(version, rows=ROWS, waits=2):
    return Recorded(
        version,
        {
            "GROUP BY": rows,
            "AS total": [{"total": 60, "sleeping": 40, "running": 15, "blocked": 12}],
            "Innodb_row_lock_current_waits": [{"Variable_name": "Innodb_row_lock_current_waits", "Value": str(waits)}],
        },
    )


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
def test_groups_and_totals(version, table):
    db = server(version)
    found = processlist_summary(db)
    assert found.groups[0] == SessionGroup("app", "Sleep", "", 40, 900.0)
    assert (found.total, found.sleeping, found.waiting_for_metadata_lock) == (60, 40, 12)
    assert f"FROM {table} " in db.asked[0][0]


def test_idle_workers_of_the_applier_do_not_count_as_running():
    assert processlist_summary(server(MYSQL_97)).running == 15


def test_row_locks_are_counted_by_innodb_and_not_by_the_state():
    assert processlist_summary(server(MYSQL_97)).waiting_for_row_lock == 2


def test_an_empty_server_is_all_zero():
    nobody = [{"total": 0, "sleeping": 0, "running": 0, "blocked": 0}]
    db = Recorded(MYSQL_97, {"GROUP BY": [], "AS total": nobody, "SHOW": []})
    assert processlist_summary(db) == ProcesslistSummary()


def test_totals_are_of_all_sessions_however_many_groups_there_are():
    many = [row(f"u{number}", "Query", "", 1) for number in range(100)]
    db = server(MYSQL_97, many)
    found = processlist_summary(db)
    assert (found.total, found.complete) == (60, False)
    assert any("event_scheduler" in params for _, params in db.asked)


@pytest.mark.lab
def test_real_sessions(notes, primary, client):
    client(primary, "reports").runs("SELECT SLEEP(20) FROM notes")
    idle = client(primary, "deploy")
    with reader(notes, primary) as db:
        found = processlist_summary(db)
    reports = next(group for group in found.groups if group.user == "reports")
    assert (reports.command, reports.sessions) == ("Query", 1)
    assert any(group.user == idle.user and group.command == "Sleep" for group in found.groups)
    assert found.running >= 1
    assert found.sleeping >= 1
    assert found.total == sum(group.sessions for group in found.groups)
    assert (found.waiting_for_row_lock, found.waiting_for_metadata_lock) == (0, 0)


@pytest.mark.lab
def test_a_replica_at_rest_runs_nothing(notes, replica):
    with reader(notes, replica) as db:
        assert processlist_summary(db).running == 0


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_real_waits(notes, broken, flavour):
    broken("row_locks", flavour)
    primary = broken("metadata_locks", flavour)
    with reader(notes, primary) as db:
        found = processlist_summary(db)
    assert found.waiting_for_row_lock >= 3
    assert found.waiting_for_metadata_lock >= 2


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_an_applier_that_waits_for_a_row_is_counted(notes, broken, flavour):
    replica = broken("replication_lag", flavour)
    with reader(notes, replica) as db:
        assert processlist_summary(db).waiting_for_row_lock == 1
