"""mysql.gtid_sets: what a server has, by its own names for transactions."""

from __future__ import annotations

import pytest

from actions.contract import Unreadable
from actions.diagnostics.mysql.gtid_sets import LONGEST, gtid_sets
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded


@pytest.mark.parametrize(
    ("version", "column"),
    [
        (MYSQL_57, "@@GLOBAL.gtid_executed"),
        (MYSQL_97, "@@GLOBAL.gtid_executed"),
        (MARIADB_1011, "@@GLOBAL.gtid_binlog_state"),
    ],
    ids=str,
)
def test_each_flavour_is_asked_in_its_own_words(version, column):
    db = Recorded(version, {column: [{"server": "u", "executed": "a:1-3,\nb:1", "purged": ""}]})
    found = gtid_sets(db)
    assert (found.server, found.executed, found.enabled, found.address) == ("u", "a:1-3,b:1", True, "db7:3306")


def test_a_server_that_names_none():
    db = Recorded(MYSQL_57, {"gtid_executed": [{"server": "u", "executed": "", "purged": None}]})
    assert not gtid_sets(db).enabled


def test_a_set_beyond_all_measure_is_not_taken():
    db = Recorded(MYSQL_97, {"gtid_executed": [{"server": "u", "executed": "x" * (LONGEST + 1), "purged": ""}]})
    with pytest.raises(Unreadable, match="characters"):
        gtid_sets(db)


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = gtid_sets(db)
    assert found.enabled
    if server.name == "orders-1":
        # not at the start of the set: a set is sorted by server, and a takeover leaves the other server's share in it
        assert f"{found.server}:1-" in found.executed
    if server.name == "billing-1":
        assert found.executed.startswith("0-201-")
