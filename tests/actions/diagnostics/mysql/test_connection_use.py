"""mysql.connection_use: how full the connections are, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from actions.contract import Row
from actions.diagnostics.mysql.connection_use import ConnectionUse, ProgramSessions, UserSessions, connection_use
from bot.lab.waiting import wait_until
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded, named

STATUS = [
    {"Variable_name": "Threads_connected", "Value": "190"},
    {"Variable_name": "Threads_running", "Value": "12"},
    {"Variable_name": "Max_used_connections", "Value": "201"},
    {"Variable_name": "Connection_errors_max_connections", "Value": "7"},
]
# SUM is a Decimal as the driver gives it.
USERS = [
    {"user": "app", "sessions": 180, "sleeping": Decimal(170), "longest_sleep": 3600},
    {"user": "reports", "sessions": 2, "sleeping": Decimal(0), "longest_sleep": None},
]
ANSWERS: dict[str, Sequence[Row]] = {
    "SHOW GLOBAL STATUS": STATUS,
    "SHOW GLOBAL VARIABLES": named(open_files_limit=5000, table_open_cache=2000, sort_buffer_size=4096),
    "@@GLOBAL.max_connections": [{"value": 200}],
    "session_connect_attrs": [{"program": "puma <1>", "sessions": 90}],
    "GROUP BY": USERS,
}


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
def test_the_limit_the_counters_and_the_users(version, table):
    db = Recorded(version, ANSWERS)
    assert connection_use(db) == ConnectionUse(
        max_connections=200,
        connected=190,
        running=12,
        most_ever=201,
        refused=7,
        used=95.0,
        users=(UserSessions("app", 180, 170, 3600.0), UserSessions("reports", 2, 0, 0.0)),
        open_files_limit=5000,
        most_by_files=990,
        session_memory=4096,
        programs=(ProgramSessions("puma-1", 90),),
    )
    assert [sql for sql, _ in db.asked if f"FROM {table} " in sql]


def test_where_nothing_is_told_nothing_is_claimed():
    db = Recorded(
        MYSQL_97, {"SHOW GLOBAL STATUS": [], "SHOW GLOBAL VARIABLES": [], "@@GLOBAL": [{"value": 0}], "GROUP BY": []}
    )
    assert connection_use(db) == ConnectionUse()


@pytest.mark.lab
def test_a_real_session_is_counted_with_its_user(notes, primary, client):
    with reader(notes, primary) as db:
        before = connection_use(db)
        client(primary, "reports")
        after = connection_use(db)
    assert (after.max_connections, after.refused) == (100, before.refused)
    assert after.connected > 0
    assert after.most_ever >= after.connected
    assert after.used == float(after.connected)
    reports = next(user for user in after.users if user.user == "reports")
    assert (reports.sessions, reports.sleeping) == (1, 1)
    assert not {user.user for user in after.users} & {"replication", "system user", "event_scheduler"}


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_full_server_is_asked_over_its_spare_port(notes, broken, flavour):
    primary = broken("connections_exhausted", flavour)
    with reader(notes, primary, spare_port=primary.spare_port) as db:
        if flavour == "mysql":  # MariaDB does not count every session that it turns away
            wait_until("the server refuses a session", lambda: connection_use(db).refused > 0)
        use = connection_use(db)
    assert use.used >= 98.0
    assert use.users[0].user == "app"
    assert use.users[0].sleeping >= 90
