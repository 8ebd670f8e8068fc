"""The last wall is the database user: the reader has no right to write, and the changer none that no action needs."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.doctor.user_privileges import ACTIONS, Kind, assess_user
from bot.fleet.mysql_sessions import parse_version
from bot.lab.connections import administrator, ask, connect
from bot.lab.database_users import CHANGER, READER
from bot.lab.lab_state import LabInstance, LabState
from bot.privileges.grant_parser import parse
from bot.privileges.missing_privileges import SPARE_PORT, RequiredPrivilege, all_required

pytestmark = pytest.mark.lab

DENIED = {1044, 1045, 1095, 1142, 1227}
"""Access denied: to a schema, to a file, to another's thread, to a table, for lack of a privilege."""

DATA = [
    "INSERT INTO shop.heartbeat VALUES (9, NOW(6), 1)",
    "UPDATE shop.heartbeat SET beats = 0",
    "DELETE FROM shop.heartbeat",
    "SELECT * FROM shop.heartbeat",
    "CREATE TABLE shop.mine (id INT)",
    "CREATE TEMPORARY TABLE shop.mine (id INT)",
    "ALTER TABLE shop.heartbeat COMMENT 'x'",
    "DROP TABLE shop.heartbeat",
    "TRUNCATE shop.heartbeat",
    "DROP DATABASE shop",
    "CREATE DATABASE mine",
    "LOCK TABLES shop.heartbeat READ",
    "CREATE USER mine",
    "GRANT SELECT ON shop.* TO CURRENT_USER()",
    "SELECT 'x' INTO OUTFILE '/tmp/never-written'",
    "UPDATE performance_schema.setup_instruments SET ENABLED = 'NO'",
    "TRUNCATE performance_schema.events_statements_summary_by_digest",
]
SERVER = [
    "SET GLOBAL max_connections = 100",
    "SET GLOBAL innodb_lock_wait_timeout = 50",
    "SET GLOBAL read_only = 0",
    "SET SESSION sql_log_bin = 0",
    "FLUSH TABLES",
    "FLUSH STATUS",
    "STOP REPLICA",
    "START REPLICA",
    "PURGE BINARY LOGS BEFORE '2000-01-01'",
    "SHUTDOWN",
]
BEYOND = {"BINLOG MONITOR", "SELECT ON performance_schema.*"}
"""Granted to the changer of MariaDB without a remediation that asks for it: looks that change nothing."""


@pytest.fixture(params=["orders-1", "billing-1"], ids=["mysql", "mariadb"])
def primary(request: pytest.FixtureRequest, lab: LabState) -> LabInstance:
    """A primary of each flavour: on a replica, its being read-only would hide what a user may."""
    return lab.instance(request.param)


def session(lab: LabState, instance: LabInstance, user: str) -> Iterator[Connection[DictCursor]]:
    """A session of a user with nothing between it and the server."""
    opened = connect(instance.host, instance.port, lab.users[user], timeout=20)
    yield opened
    opened.close()


@pytest.fixture
def as_reader(lab: LabState, primary: LabInstance) -> Iterator[Connection[DictCursor]]:
    yield from session(lab, primary, READER)


@pytest.fixture
def as_changer(lab: LabState, primary: LabInstance) -> Iterator[Connection[DictCursor]]:
    yield from session(lab, primary, CHANGER)


@pytest.fixture
def other(lab: LabState, primary: LabInstance) -> Iterator[Connection[DictCursor]]:
    """A session of the application."""
    yield from session(lab, primary, "app")


def refused(connection: Connection[DictCursor], sql: str) -> int:
    """The error with which the server refuses a statement."""
    with pytest.raises(pymysql.err.MySQLError) as caught:
        ask(connection, sql)
    return int(caught.value.args[0])


@pytest.mark.parametrize("statement", [*DATA, *SERVER])
def test_the_reader_may_not(as_reader, statement):
    assert refused(as_reader, statement) in DENIED


@pytest.mark.parametrize("kill", ["KILL", "KILL QUERY"])
def test_the_reader_may_not_kill_another_ones_session(as_reader, other, kill):
    assert refused(as_reader, f"{kill} {other.thread_id()}") == 1095
    assert ask(other, "SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize("statement", DATA)
def test_the_changer_may_not_touch_data_or_users(as_changer, statement):
    assert refused(as_changer, statement) in DENIED


def test_the_changer_may_kill_and_set(as_changer, other):
    ask(as_changer, "SET GLOBAL max_connections = 100")
    ask(as_changer, f"KILL {other.thread_id()}")
    with pytest.raises(pymysql.err.MySQLError):
        ask(other, "SELECT 1")


@pytest.mark.parametrize(("user", "kind"), [(READER, "reader"), (CHANGER, "changer")])
def test_a_user_has_what_its_actions_need_and_nothing_more(lab: LabState, primary: LabInstance, user: str, kind: Kind):
    with administrator(primary) as admin:
        grants = [str(next(iter(row.values()))) for row in ask(admin, f"SHOW GRANTS FOR '{user}'@'%'")]
    version = parse_version(f"{primary.version}-{primary.flavour}")
    held = parse(f"{user}@%", grants)
    found = assess_user(kind, held, version, spare_port=True)
    assert found.problems == ()
    # What a remediation looks at is in its own list.
    asked = {str(right) for right in all_required((*ACTIONS[kind].values(), SPARE_PORT), version)}
    granted = {str(RequiredPrivilege(each.name, each.scope)) for each in held.privileges}
    assert granted - asked <= (BEYOND if version.is_mariadb and kind == "changer" else set())
