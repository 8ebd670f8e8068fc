"""Whatever the server's defaults are, Firstmate's sessions have their own settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress

import pymysql
import pytest
from pymysql.connections import Connection
from pymysql.cursors import DictCursor, SSDictCursor

from actions.contract import Flavour, ServerVersion
from actions.diagnostics.mysql.long_transactions import long_transactions
from bot.fleet.mysql_connections import Server, connect, kill_late_session
from bot.fleet.session_settings import changer_settings, reader_settings
from bot.lab.connections import administrator, ask, session
from bot.lab.database_users import READER
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.waiting import wait_until
from tests.actions.hands import changer, reader

MODES = {"mysql": "ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH", "mariadb": "ORACLE,NO_BACKSLASH_ESCAPES"}
OWN = {
    "time_zone": "SYSTEM",
    "sql_mode": "",
    "autocommit": 1,
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": "utf8mb4",
    "sql_big_selects": 1,
    "sql_select_limit": 1000,
    "lock_wait_timeout": 2,
    "innodb_lock_wait_timeout": 2,
}


@pytest.mark.parametrize(
    ("flavour", "number", "holds"),
    [
        (Flavour.MYSQL, (5, 7, 19), "tx_isolation='READ-COMMITTED'"),
        (Flavour.MYSQL, (5, 7, 20), "transaction_isolation='READ-COMMITTED'"),
        (Flavour.MYSQL, (9, 7, 0), "max_execution_time=1500"),
        (Flavour.MARIADB, (10, 11, 0), "max_statement_time=1.5"),
        (Flavour.MARIADB, (12, 0, 0), "tx_isolation='READ-COMMITTED'"),
    ],
)
def test_each_version_gets_the_names_that_it_has(flavour: Flavour, number: tuple[int, int, int], holds: str):
    version = ServerVersion(flavour, number)
    assert holds in reader_settings(version, 1.5)
    assert holds in changer_settings(version, 1.5)


@pytest.fixture(params=["orders-1", "billing-1"], ids=["mysql", "mariadb"])
def contrary(request: pytest.FixtureRequest, lab: LabState) -> Iterator[LabInstance]:
    """A server whose defaults are others than ours, for all sessions that begin now."""
    instance = lab.instance(request.param)
    isolation = "tx_isolation" if instance.flavour == "mariadb" else "transaction_isolation"
    other = {
        "sql_mode": f"'{MODES[instance.flavour]}'",
        isolation: "'SERIALIZABLE'",
        "sql_select_limit": "1",
        "lock_wait_timeout": "77",
        "init_connect": "'SET autocommit = 0, sql_big_selects = 0, time_zone = \"+13:00\"'",
    }
    with administrator(instance) as admin:
        before = ask(admin, "SELECT " + ", ".join(f"@@GLOBAL.{name} AS `{name}`" for name in other))[0]
        for name, value in other.items():
            ask(admin, f"SET GLOBAL {name} = {value}")
    yield instance
    with administrator(instance) as admin:
        ask(admin, "SET SESSION sql_mode = ''")
        for name, value in before.items():
            ask(admin, f"SET GLOBAL {name} = %s", (value,))
        ask(admin, "SET GLOBAL time_zone = 'SYSTEM'")


@pytest.mark.lab
def test_a_session_has_our_settings_on_a_server_with_other_defaults(lab: LabState, contrary: LabInstance):
    with reader(lab, contrary) as db:
        isolation = "tx_isolation" if db.version.is_mariadb else "transaction_isolation"
        names = [*OWN, isolation]
        seen = db.rows("SELECT " + ", ".join(f"@@SESSION.{name} AS `{name}`" for name in names))[0]
        assert seen == {**OWN, isolation: "READ-COMMITTED"}
        assert len(db.rows("SELECT 1 AS one UNION SELECT 2")) == 2
    with changer(lab, contrary) as hand:
        seen = hand.reader.rows("SELECT " + ", ".join(f"@@SESSION.{name} AS `{name}`" for name in names))[0]
        assert seen == {**OWN, isolation: "READ-COMMITTED"}


@pytest.mark.lab
@pytest.mark.parametrize("zone", ["-05:00", "+13:00"])
def test_the_age_of_a_transaction_does_not_depend_on_the_time_zone_of_the_server(
    lab: LabState, contrary: LabInstance, zone: str
):
    with administrator(contrary) as admin:
        ask(admin, f"SET GLOBAL time_zone = '{zone}'")
    holder = session(lab, contrary, "app")
    try:
        ask(holder, "START TRANSACTION WITH CONSISTENT SNAPSHOT")

        def seen() -> list[float]:
            with reader(lab, contrary) as db:
                found = long_transactions(db, older_than=1.0).transactions
            return [each.age for each in found if each.thread_id == holder.thread_id()]

        wait_until("the transaction is a second old", lambda: bool(seen()))
        assert 1 <= seen()[0] < 60
        with reader(lab, contrary) as db:
            assert holder.thread_id() not in [t.thread_id for t in long_transactions(db, older_than=600.0).transactions]
    finally:
        holder.close()


@pytest.mark.lab
def test_a_late_session_is_killed_over_the_spare_port_when_the_server_is_full(lab: LabState, primary_of: LabInstance):
    login = lab.users[READER]
    server = Server(primary_of.host, primary_of.port, login.user, login.password, primary_of.spare_port)
    with administrator(primary_of) as admin:
        allowed = ask(admin, "SELECT @@GLOBAL.max_connections AS n")[0]["n"]
        with connect(server, read_timeout=60.0) as late:
            thread = late.thread_id()
            asking = threading.Thread(target=_sleep, args=(late,))
            asking.start()
            others = []
            try:
                wait_until("it runs", lambda: bool(_statement(admin, thread)))
                ask(admin, "SET GLOBAL max_connections = 10")
                with suppress(pymysql.MySQLError):
                    while True:
                        others.append(session(lab, primary_of, "app"))
                kill_late_session(server, late)
                wait_until("it is gone", lambda: not _statement(admin, thread))
            finally:
                ask(admin, f"SET GLOBAL max_connections = {allowed}")
                for other in others:
                    other.close()
                asking.join(30)
        assert not asking.is_alive()


@pytest.fixture(params=["orders-1", "billing-1"], ids=["mysql", "mariadb"])
def primary_of(request: pytest.FixtureRequest, lab: LabState) -> LabInstance:
    return lab.instance(request.param)


def _sleep(connection: Connection[SSDictCursor]) -> None:
    with suppress(pymysql.MySQLError, OSError), connection.cursor() as cursor:
        cursor.execute("SELECT SLEEP(50)")
        cursor.fetchall()


def _statement(admin: Connection[DictCursor], thread: int) -> str:
    rows = ask(admin, "SELECT INFO FROM information_schema.PROCESSLIST WHERE ID = %s", (thread,))
    return str(rows[0]["INFO"] or "") if rows else ""
