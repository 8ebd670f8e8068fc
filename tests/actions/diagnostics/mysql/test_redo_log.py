"""mysql.redo_log: how full it is and how fast it fills, in each version's own counters."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.redo_log import RedoLog, redo_log
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

STATUS = "\n---\nLOG\n---\nLog sequence number          9000\nLog flushed up to   9000\nLast checkpoint at  8000\n"


def test_mysql_since_8_0_30_counts_it():
    db = Recorded(
        MYSQL_97,
        {
            "GLOBAL VARIABLES": named(innodb_redo_log_capacity=10_000),
            "GLOBAL STATUS": named(
                Innodb_redo_log_current_lsn=9000, Innodb_redo_log_checkpoint_lsn=8000, Innodb_log_waits=2
            ),
        },
    )
    found = redo_log(db)
    assert (found.capacity, found.checkpoint_age, found.used, found.waits) == (10_000, 1000, 10.0, 2)


def test_before_it_stands_in_the_status_of_innodb():
    db = Recorded(
        MYSQL_57,
        {
            "GLOBAL VARIABLES": named(innodb_log_file_size=5000, innodb_log_files_in_group=2),
            "INNODB STATUS": [{"Status": STATUS}],
            "GLOBAL STATUS": named(Innodb_log_waits=0),
        },
    )
    found = redo_log(db)
    assert (found.capacity, found.checkpoint_age, found.used) == (10_000, 1000, 10.0)


def test_mariadb_knows_the_greatest_age():
    db = Recorded(
        MARIADB_1011,
        {
            "GLOBAL VARIABLES": named(innodb_log_file_size=9000),
            "GLOBAL STATUS": named(
                Innodb_lsn_current=9000, Innodb_checkpoint_age=1000, Innodb_checkpoint_max_age=8000, Innodb_log_waits=0
            ),
        },
    )
    found = redo_log(db)
    assert (found.capacity, found.configured, found.checkpoint_age, found.used) == (8000, 9000, 1000, 12.5)


@pytest.mark.parametrize(("written", "lasts"), [(0, None), (500, 4.0)])
def test_how_long_it_lasts_at_this_pace(written, lasts):
    assert RedoLog(capacity=1000, over=2.0, written=written).lasts == lasts


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = redo_log(db)
    assert 8 << 20 <= found.capacity <= 16 << 20
    assert 0.0 <= found.used < 100.0
    if server.role == "primary":
        assert found.written > 0
