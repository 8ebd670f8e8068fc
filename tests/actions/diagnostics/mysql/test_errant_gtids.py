"""mysql.errant_gtids: what a replica has and its primary has not, and whether it made it itself."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.errant_gtids import errant_gtids
from actions.diagnostics.mysql.gtid_sets import GtidSets, gtid_sets
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_97, Recorded

A, B = "0cd39d74-e825-11f1-83c0-02fc00000001", "1cd39d74-e825-11f1-83c0-02fc00000001"


def replica(server: str, executed: str) -> GtidSets:
    return GtidSets("db8:3306", server, executed, enabled=True)


def test_mysql_subtracts_by_itself():
    db = Recorded(MYSQL_97, {"GTID_SUBTRACT": [{"errant": f"{B}:1-2:5,\n{B}:7"}]})
    (found,) = errant_gtids(db, replicas=(replica(B, "x"),)).members
    assert (found.address, found.transactions, found.own) == ("db8:3306", 4, True)
    assert db.asked == [("SELECT GTID_SUBTRACT(%s, @@GLOBAL.gtid_executed) AS errant", ("x",))]


def test_the_end_of_a_former_primary_is_not_its_own():
    db = Recorded(MYSQL_97, {"GTID_SUBTRACT": [{"errant": f"{A}:9"}]})
    assert not errant_gtids(db, replicas=(replica(B, "x"),)).members[0].own


def test_nothing_errant():
    found = errant_gtids(Recorded(MYSQL_97, {"GTID_SUBTRACT": [{"errant": ""}]}), replicas=(replica(B, "x"),))
    assert (found.known, found.compared, found.members) == (True, 1, ())


@pytest.mark.parametrize(
    ("primary", "mine", "errant", "own"),
    [
        ("0-201-100", "0-201-90", "", False),
        ("0-201-100", "0-201-100,7-202-3", "7-202-3", True),
        ("0-201-100", "0-201-101", "0-201-101", False),
        ("0-201-100,0-202-9", "0-201-90,0-202-9", "", False),
    ],
)
def test_mariadb_is_compared_by_the_last_of_each_domain_and_server(primary, mine, errant, own):
    db = Recorded(MARIADB_1011, {"gtid_binlog_state": [{"state": primary}]})
    found = errant_gtids(db, replicas=(replica("202", mine),)).members
    assert [each.gtids for each in found] == ([errant] if errant else [])
    assert [each.own for each in found] == ([own] if errant else [])


def test_without_gtids_nothing_is_known():
    found = errant_gtids(Recorded(MYSQL_97, {}), replicas=(GtidSets("db8:3306"),))
    assert (found.known, found.compared) == (False, 1)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("primary", "replicas"), [("orders-1", ("orders-2", "orders-3")), ("billing-1", ("billing-2",))]
)
def test_real_replicas_have_nothing_of_their_own(notes, primary, replicas):
    sets = []
    for name in replicas:
        with reader(notes, notes.instance(name)) as db:
            sets.append(gtid_sets(db))
    with reader(notes, notes.instance(primary)) as db:
        found = errant_gtids(db, replicas=tuple(sets))
    assert (found.known, found.compared, found.members) == (True, len(replicas), ())
    # And the other way round: to a replica, the newest of its primary are strange for a moment.
    ahead = GtidSets("x", "y", f"{'0-999-1' if primary == 'billing-1' else A + ':1'}", enabled=True)
    with reader(notes, notes.instance(primary)) as db:
        assert errant_gtids(db, replicas=(ahead,)).members[0].transactions == 1
