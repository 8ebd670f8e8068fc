"""mysql.error_log: what the server wrote of late, where it lets itself be read."""

from __future__ import annotations

from datetime import datetime

import pytest

from actions.diagnostics.mysql.error_log import ErrorLog, error_log
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded


def log(*rows, errors=0, crashed=0, disk_full=0):
    """The log as it is read, and what is counted in the whole of it."""
    return {"COALESCE": [{"errors": errors, "crashed": crashed, "disk_full": disk_full}], "performance_schema": rows}


ROW = {
    "at": datetime(2026, 3, 1, 3, 0),  # noqa: DTZ001 - the server gives no zone
    "severity": "Error",
    "code": "MY-010584",
    "subsystem": "Repl",
    "says": "Duplicate entry 'jane@example.com' for key 'mail'",
    "age": 12,
}


@pytest.mark.parametrize("version", [MYSQL_80, MYSQL_97], ids=str)
def test_errors_without_the_values_that_they_quote(version):
    db = Recorded(version, log(ROW, {**ROW, "severity": "Warning"}, errors=1))
    found = error_log(db, since=60.0)
    assert (found.known, found.errors, found.crashed, found.disk_full) == (True, 1, False, False)
    assert found.entries[0].says == "Duplicate entry '?' for key 'mail'"
    assert db.asked[0][1][0] == 60.0


def test_a_crash_and_a_full_disk_are_seen_behind_many_newer_entries():
    db = Recorded(MYSQL_97, log(*[ROW] * 30, errors=500, crashed=1, disk_full=2))
    found = error_log(db)
    assert (len(found.entries), found.errors, found.crashed, found.disk_full) == (20, 500, True, True)
    counted = next(params for sql, params in db.asked if "COALESCE" in sql)
    assert {"MY-012551", "MY-010229", "MY-013183", "MY-012820"} <= set(counted)


@pytest.mark.parametrize("version", [MYSQL_57, MARIADB_1011], ids=str)
def test_a_server_that_keeps_its_log_to_itself_is_not_asked(version):
    db = Recorded(version, {})
    assert error_log(db) == ErrorLog()
    assert db.asked == []


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = error_log(db, since=86_400.0)
    assert found.known is (server.flavour == "mysql")
