"""mysql.binary_logs: how much is kept, for how long, and what may go."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.binary_logs import MOST_LOGS, BinaryLogs, binary_logs
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

SHOWS_NEWEST = {"mysql": "SHOW BINARY LOG STATUS", "mariadb": "SHOW BINLOG STATUS"}
LOGS = [{"Log_name": f"b.00000{number}", "File_size": 100 * number} for number in range(1, 6)]


@pytest.mark.parametrize(
    ("version", "variables", "expires"),
    [
        (MYSQL_57, named(log_bin="ON", expire_logs_days=7), 604_800.0),
        (MYSQL_97, named(log_bin="ON", binlog_expire_logs_seconds=3600), 3600.0),
        (MARIADB_1011, named(log_bin="ON", binlog_expire_logs_seconds=0, expire_logs_days="0.000000"), 0.0),
    ],
    ids=["mysql 5.7", "mysql 9.7", "mariadb"],
)
def test_sizes_and_when_they_go(version, variables, expires):
    found = binary_logs(Recorded(version, {"GLOBAL VARIABLES": variables, "BINARY LOGS": LOGS}))
    assert (found.logs, found.size, found.oldest, found.newest) == (5, 1500, "b.000001", "b.000005")
    assert (found.before_newest, found.purgeable) == ("b.000003", 300)
    assert (found.expire_after, found.written) == (expires, 0)


def test_the_newest_of_many_logs_is_the_newest():
    many = [{"Log_name": f"b.{number:06}", "File_size": 100} for number in range(1, 2001)]
    found = binary_logs(Recorded(MYSQL_97, {"GLOBAL VARIABLES": named(log_bin="ON"), "BINARY LOGS": many}))
    assert (found.logs, found.size, found.newest, found.before_newest) == (2000, 200_000, "b.002000", "b.001998")
    assert found.complete


def test_the_newest_is_unknown_if_not_all_logs_were_read():
    many = [{"Log_name": f"b.{number:06}", "File_size": 100} for number in range(1, MOST_LOGS + 3)]
    found = binary_logs(Recorded(MYSQL_97, {"GLOBAL VARIABLES": named(log_bin="ON"), "BINARY LOGS": many}))
    assert (found.complete, found.newest, found.before_newest, found.written) == (False, "", "", 0)


def test_an_expiry_that_is_switched_off_is_none():
    settings = named(log_bin="ON", binlog_expire_logs_seconds=3600, binlog_expire_logs_auto_purge="OFF")
    found = binary_logs(Recorded(MYSQL_97, {"GLOBAL VARIABLES": settings, "BINARY LOGS": LOGS}))
    assert (found.expire_after, found.expiry_off) == (0.0, True)


def test_with_few_logs_nothing_may_go():
    found = binary_logs(Recorded(MYSQL_97, {"GLOBAL VARIABLES": named(log_bin="ON"), "BINARY LOGS": LOGS[:2]}))
    assert (found.before_newest, found.purgeable) == ("", 0)


def test_a_server_that_writes_none_is_not_asked_for_them():
    assert binary_logs(Recorded(MYSQL_97, {"GLOBAL VARIABLES": named(log_bin="OFF")})) == BinaryLogs()


@pytest.mark.lab
def test_real_servers(notes, server):
    administer(server, "FLUSH BINARY LOGS")
    with reader(notes, server) as db:
        found = binary_logs(db)
    assert found.enabled
    assert found.logs >= 2
    assert found.size > 0
    assert found.oldest.startswith("binlog.")
    assert found.expire_after == (2_592_000.0 if server.flavour == "mysql" else 0.0)


@pytest.mark.lab
def test_real_servers_with_more_than_a_thousand_logs(notes, replica):
    administer(replica, *["FLUSH BINARY LOGS"] * 1050)
    with reader(notes, replica) as db:
        found = binary_logs(db)
        (newest,) = db.rows(SHOWS_NEWEST[replica.flavour])
        third = db.rows("SHOW BINARY LOGS", limit=MOST_LOGS)[-3]["Log_name"]
    administer(replica, f"PURGE BINARY LOGS TO '{found.before_newest}'")
    assert found.logs > 1050
    assert (found.newest, found.before_newest, found.complete) == (newest["File"], third, True)


@pytest.mark.lab
def test_a_real_server_that_is_told_to_keep_them(notes):
    server = notes.instance("orders-3")
    administer(server, "SET GLOBAL binlog_expire_logs_auto_purge=OFF")
    try:
        with reader(notes, server) as db:
            found = binary_logs(db)
    finally:
        administer(server, "SET GLOBAL binlog_expire_logs_auto_purge=ON")
    assert (found.expiry_off, found.expire_after) == (True, 0.0)
