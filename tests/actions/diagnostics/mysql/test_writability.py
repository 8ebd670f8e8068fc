"""mysql.writability: who takes writes, and who follows whom."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.writability import writability
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

REPLICA = {"Slave_IO_Running": "Yes", "Slave_SQL_Running": "Yes", "Master_Host": "db1", "Master_Port": 3306}


def server(version, variables, *, replica=(), dumps=0):
    return Recorded(
        version,
        {"GLOBAL VARIABLES": variables, "STATUS": replica, "AS dumps": [{"dumps": dumps}]},
    )


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97], ids=str)
def test_a_primary(version):
    found = writability(server(version, named(read_only="OFF", super_read_only="OFF"), dumps=2))
    assert (found.writable, found.leads, found.super_read_only, found.source) == (True, True, False, "")


def test_a_replica_of_mariadb_has_no_super_read_only():
    found = writability(server(MARIADB_1011, named(read_only="ON"), replica=[REPLICA]))
    assert (found.writable, found.leads, found.super_read_only) == (False, False, None)
    assert found.source == "db1:3306"


@pytest.mark.parametrize("value", ["ON", "NO_LOCK", "NO_LOCK_NO_ADMIN", "1"])
def test_mariadb_12_knows_more_kinds_of_read_only(value):
    assert not writability(server(MARIADB_1011, named(read_only=value))).writable


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = writability(db)
    assert found.address == server.address
    assert found.writable is (server.role == "primary")
    assert found.leads is (server.role == "primary")
    assert found.replicates is (server.role == "replica")
    assert (found.super_read_only is None) is (server.flavour == "mariadb")
