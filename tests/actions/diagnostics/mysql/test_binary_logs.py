"""mysql.binary_logs: how much is kept, for how long, and what may go."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.binary_logs import BinaryLogs, binary_logs
from tests.actions.hands import administer, reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

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
