"""mysql.connected_replicas: who reads the binary log."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.connected_replicas import connected_replicas
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

ROW = {"id": 9, "user": "repl", "host": "10.0.0.8:41234", "state": "sending", "time": 77}


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_readers_by_their_sessions(version):
    found = connected_replicas(Recorded(version, {"Binlog Dump": [ROW, {**ROW, "user": "cdc", "time": 5}]}))
    assert (found.count, found.users) == (2, ("cdc", "repl"))
    assert (found.readers[0].host, found.readers[0].connected_for) == ("10.0.0.8", 77.0)


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = connected_replicas(db)
    assert found.count == (2 if server.role == "primary" else 0)
    assert set(found.users) <= {"replication"}
