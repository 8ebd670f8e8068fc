"""mysql.history_list: how much is left to purge, and whether it grows."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.history_list import history_list
from actions.diagnostics.mysql.long_transactions import long_transactions
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_it_is_looked_at_twice(version):
    db = Recorded(
        version,
        {
            "INNODB_METRICS": [{"length": 900}],
            "GLOBAL VARIABLES": named(innodb_purge_threads=4, innodb_max_purge_lag=0),
        },
    )
    found = history_list(db)
    assert (found.length, found.before, found.growing) == (900, 900, False)
    assert (found.purge_threads, found.max_purge_lag) == (4, 0)
    assert db.paused == 0.5


def test_a_server_whose_counter_is_off():
    db = Recorded(MYSQL_97, {"INNODB_METRICS": [], "GLOBAL VARIABLES": []})
    assert history_list(db).length == 0


@pytest.mark.lab
def test_a_snapshot_that_is_held_makes_it_grow(notes, primary, client):
    holder = client(primary, "reports")
    holder.ask("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    writer = client(primary)
    for _ in range(60):
        writer.ask("UPDATE notes SET note = CONCAT('n', id) WHERE id = 5")
        writer.ask("UPDATE notes SET note = CONCAT('m', id) WHERE id = 5")
    with reader(notes, primary) as db:
        found = history_list(db)
        open_now = long_transactions(db, older_than=0.0)
    assert found.length >= 60
    assert found.purge_threads >= 1
    assert open_now.transactions[0].user == "reports"  # seconds old, and named
    assert (open_now.transactions[0].command, open_now.oldest < 60.0) == ("Sleep", True)
