"""mysql.buffer_pool: what comes from disk while one looks."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.buffer_pool import BufferPool, buffer_pool
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

FIRST = {
    "Innodb_buffer_pool_read_requests": 10_000,
    "Innodb_buffer_pool_reads": 100,
    "Innodb_buffer_pool_wait_free": 3,
    "Innodb_buffer_pool_pages_total": 200,
    "Innodb_buffer_pool_pages_dirty": 50,
    "Innodb_buffer_pool_bytes_data": 900,
    "Uptime": 9000,
}


class Growing(Recorded):
    """A server that is asked for pages while one looks."""

    def pause(self, seconds):
        super().pause(seconds)
        later = {**FIRST, "Innodb_buffer_pool_read_requests": 20_000, "Innodb_buffer_pool_reads": 600}
        self.answers["GLOBAL STATUS"] = named(**later, Innodb_buffer_pool_resize_status="Completed")


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_the_share_that_comes_from_disk(version):
    db = Growing(version, {"GLOBAL STATUS": named(**FIRST), "GLOBAL VARIABLES": named(innodb_buffer_pool_size=1000)})
    found = buffer_pool(db)
    assert (found.requests, found.from_disk, found.miss, found.miss_ever) == (10_000, 500, 5.0, 3.0)
    assert (found.size, found.filled, found.dirty, found.waited_for_free) == (1000, 900, 25.0, 0)
    assert (found.resize, found.cold) == ("Completed", False)


@pytest.mark.parametrize(("uptime", "filled", "cold"), [(60, 100, True), (60, 900, False), (7200, 100, False)], ids=str)
def test_cold_is_lately_started_and_not_filled(uptime, filled, cold):
    assert BufferPool(size=1000, filled=filled, uptime=float(uptime)).cold is cold


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = buffer_pool(db)
    assert found.size == 64 << 20
    assert found.filled > 0
    assert 0.0 <= found.miss <= 100.0
