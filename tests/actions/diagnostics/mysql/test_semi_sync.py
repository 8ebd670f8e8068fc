"""mysql.semi_sync: the same by either family of names."""

from __future__ import annotations

from typing import Any

import pytest

from actions.diagnostics.mysql.semi_sync import SemiSync, semi_sync
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

NEW = named(
    Rpl_semi_sync_source_clients=2,
    Rpl_semi_sync_source_status="OFF",
    Rpl_semi_sync_source_no_tx=7,
    Rpl_semi_sync_source_wait_sessions=3,
    Rpl_semi_sync_replica_status="OFF",
)
OLD = named(
    Rpl_semi_sync_master_clients=2,
    Rpl_semi_sync_master_status="OFF",
    Rpl_semi_sync_master_no_tx=7,
    Rpl_semi_sync_master_wait_sessions=3,
    Rpl_semi_sync_slave_status="OFF",
)
NEW_SET = named(
    rpl_semi_sync_source_enabled="ON",
    rpl_semi_sync_source_timeout=1000,
    rpl_semi_sync_source_wait_for_replica_count=2,
    rpl_semi_sync_replica_enabled="ON",
)
OLD_SET = named(
    rpl_semi_sync_master_enabled="ON",
    rpl_semi_sync_master_timeout=1000,
    rpl_semi_sync_master_wait_for_slave_count=2,
    rpl_semi_sync_slave_enabled="ON",
)


@pytest.mark.parametrize(
    ("version", "status", "variables", "name"),
    [
        (MYSQL_57, OLD, OLD_SET, "rpl_semi_sync_slave_enabled"),
        (MYSQL_97, NEW, NEW_SET, "rpl_semi_sync_replica_enabled"),
        (MARIADB_1011, OLD, OLD_SET, "rpl_semi_sync_slave_enabled"),
    ],
    ids=["mysql 5.7", "mysql 9.7", "mariadb"],
)
def test_either_name_is_read(version, status, variables, name):
    found = semi_sync(Recorded(version, {"GLOBAL STATUS": status, "GLOBAL VARIABLES": variables, "SELECT": []}))
    assert found == SemiSync(
        installed=True,
        enabled=True,
        active=False,
        clients=2,
        wait_for=2,
        timeout=1.0,
        waiting=3,
        unacknowledged=7,
        replica_enabled=True,
        replica_active=False,
        replica_variable=name,
    )


def test_commits_that_queue_behind_one_that_waits_are_counted():
    states = [
        {"state": "Waiting for semi-sync ACK from replica", "sessions": 1, "longest": 23, "appliers": 0},
        {"state": "waiting for handler commit", "sessions": 4, "longest": 22, "appliers": 0},
    ]
    status = named(Rpl_semi_sync_source_wait_sessions=1)
    answers: dict[str, Any] = {"GLOBAL STATUS": status, "GLOBAL VARIABLES": NEW_SET, "SELECT": states}
    assert semi_sync(Recorded(MYSQL_97, answers)).waiting == 5


def test_a_server_without_it():
    assert semi_sync(Recorded(MYSQL_97, {"SHOW": []})) == SemiSync()


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = semi_sync(db)
    assert found.installed
    if server.name == "orders-1":
        assert (found.enabled, found.active, found.clients, found.timeout) == (True, True, 2, 1.0)
    if server.name == "orders-3":
        assert (found.replica_enabled, found.replica_active) == (True, True)
    if server.flavour == "mariadb":
        assert not found.enabled
