"""mysql.temporary_tables: how many go to disk while one looks, and whose they are."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.temporary_tables import temporary_tables
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

LIMITS = {"tmp_table_size": 4096, "max_heap_table_size": 2048, "temptable_max_ram": 8192}


class Growing(Recorded):
    """A server that makes temporary tables while one looks."""

    def pause(self, seconds):
        super().pause(seconds)
        self.answers["GLOBAL STATUS"] = named(Created_tmp_tables=140, Created_tmp_disk_tables=60)


def server(version, performance_schema="ON"):
    return Growing(
        version,
        {
            "GLOBAL STATUS": named(Created_tmp_tables=100, Created_tmp_disk_tables=30),
            "GLOBAL VARIABLES": named(**LIMITS, performance_schema=performance_schema),
            "memory_summary": [{"name": "memory/temptable/physical_ram", "used": 777}],
            "by_digest": [{"text": "SELECT `a` FROM `t` GROUP BY `b`", "on_disk": 30, "calls": 31}],
        },
    )


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_what_was_made_while_one_looked(version):
    found = temporary_tables(server(version))
    assert (found.made, found.on_disk, found.share_on_disk, found.share_ever) == (40, 30, 75.0, 42.9)
    assert (found.most_each, found.most_together) == (2048, 8192)
    assert found.makers[0].statement == "SELECT `a` FROM `t` GROUP BY `b`"
    assert found.in_memory == (777 if version is MYSQL_97 else 0)


def test_without_performance_schema_nobody_is_named():
    found = temporary_tables(server(MARIADB_1011, "OFF"))
    assert (found.on_disk, found.makers) == (30, ())


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = temporary_tables(db)
    assert 0 <= found.on_disk <= max(found.made, 1)
    assert found.most_each == 16 << 20
    assert (found.most_together > 0) is (server.flavour == "mysql")
