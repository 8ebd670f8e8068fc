"""mysql.server_state: since when it runs, and how it came up."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.server_state import server_state
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_a_server_that_came_up_to_be_read_from(version):
    db = Recorded(
        version,
        {
            "GLOBAL STATUS": named(
                Uptime=61, Innodb_buffer_pool_bytes_data=1024, Innodb_buffer_pool_load_status="done"
            ),
            "GLOBAL VARIABLES": named(innodb_force_recovery=4, innodb_buffer_pool_size=2048, read_only="ON"),
        },
    )
    found = server_state(db)
    assert (found.uptime, found.force_recovery, found.read_only) == (61.0, 4, True)
    assert (found.buffer_pool, found.buffer_pool_filled, found.buffer_pool_load) == (2048, 1024, "done")
    assert (found.offline, found.skip_grants, found.event_scheduler) == (False, False, False)
    assert found.version == str(version)


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = server_state(db)
    assert found.uptime > 0
    assert found.read_only is (server.role == "replica")
    assert found.buffer_pool == 64 << 20
    assert 0 < found.buffer_pool_filled <= found.buffer_pool
    assert (found.force_recovery, found.skip_grants, found.offline) == (0, False, False)
