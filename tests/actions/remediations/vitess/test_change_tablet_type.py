"""A tablet is drained and given back by its type, never the last one that serves or acknowledges."""

from __future__ import annotations

import pytest

from actions.remediations.vitess.change_tablet_type import ChangeTabletType
from tests.recorded_vitess import THREE, tablet
from tests.vitess_shard import (
    GONE,
    OTHER,
    PRIMARY,
    REPLICA,
    SOURCE,
    STOPPED,
    STRANGE,
    keyspace,
    made,
    primary_status,
    refusal,
    replica_status,
    shard,
    vtgate_sees,
)

DRAIN, BACK = ChangeTabletType("DRAINED"), ChangeTabletType("REPLICA")
DRAINED = (THREE[0], tablet(101, "DRAINED"), THREE[2])


def test_a_replica_is_drained_while_another_one_serves_and_gets_its_type_back():
    vt = shard(tablet=REPLICA)
    DRAIN.check(vt)
    assert made(DRAIN.change(vt)) == [
        'ChangeTabletType {"db_type":"DRAINED","tablet_alias":{"cell":"zone1","uid":101}}'
    ]
    assert made(DRAIN.undo(vt)) == ['ChangeTabletType {"db_type":"REPLICA","tablet_alias":{"cell":"zone1","uid":101}}']
    assert DRAIN.cost(vt) == f"Replica reads of commerce/-80 go to {OTHER}."


def test_what_does_not_serve_reads_of_replicas_counts_as_out():
    assert DRAIN.takes_out
    assert ChangeTabletType("RDONLY").takes_out
    assert not BACK.takes_out


def test_it_is_good_once_topology_and_vtgate_have_the_type():
    seen = vtgate_sees(_101="DRAINED SERVING")
    assert DRAIN.verify(shard(tablet=REPLICA, tablets=DRAINED, shows=seen)).ok
    late = DRAIN.verify(shard(tablet=REPLICA, tablets=DRAINED))
    assert (late.ok, late.settled) == (False, False)
    assert not DRAIN.verify(shard(tablet=REPLICA)).ok
    not_serving = BACK.verify(shard(tablet=REPLICA, shows=vtgate_sees(_101="REPLICA NOT_SERVING")))
    assert (not_serving.ok, not_serving.settled) == (False, False)


def test_a_primary_is_moved_first():
    assert "Move the primary first" in refusal(DRAIN, shard())


@pytest.mark.parametrize(("type_", "why"), [("DRAINED", "is DRAINED already"), ("BACKUP", "Wait until its backup or")])
def test_what_is_so_already_or_in_a_backup_is_refused(type_, why):
    assert why in refusal(DRAIN, shard(tablet=REPLICA, tablets=(THREE[0], tablet(101, type_), THREE[2])))


def test_the_last_one_that_vtgate_serves_from_stays():
    vt = shard(tablet=REPLICA, shows=vtgate_sees(_102="REPLICA NOT_SERVING"))
    assert "is the last REPLICA of commerce/-80 that serves reads; replica" in refusal(DRAIN, vt)


def test_the_last_one_that_acknowledges_stays_as_the_policy_asks():
    calls = {f"GetFullStatus {OTHER}": replica_status(**STOPPED)}
    says = refusal(DRAIN, shard(calls, tablet=REPLICA))
    assert "REPLICA tablets of commerce/-80 would acknowledge" in says
    assert "semi_sync requires 1: writes" in says
    DRAIN.check(shard({**calls, "GetKeyspace": keyspace(durability_policy="none")}, tablet=REPLICA))
    crossing = shard({"GetKeyspace": keyspace(durability_policy="cross_cell")}, tablet=REPLICA)
    assert "cross_cell requires 1: writes" in refusal(DRAIN, crossing)
    own = shard({**calls, "GetKeyspace": keyspace(durability_policy="our_own")}, tablet=REPLICA)
    assert "our_own requires 1: writes would hang." in refusal(DRAIN, own)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (GONE, "does not answer"),
        (replica_status(**STOPPED), "does not replicate"),
        (
            replica_status(executed=f"MySQL56/{STRANGE}:7,{SOURCE}:1-300"),
            "has 1 errant GTIDs, which may be why it was",
        ),
        (replica_status(executed="FilePos/x:4"), "could not be compared"),
    ],
)
def test_what_is_not_fit_to_serve_is_not_given_back(status, why):
    vt = shard({f"GetFullStatus {REPLICA}": status}, tablet=REPLICA, tablets=DRAINED)
    assert why in refusal(BACK, vt)


AHEAD = replica_status(executed=f"MySQL56/{SOURCE}:1-330")
"""It has executed 22 transactions of the primary that the primary itself has not committed."""


def test_what_the_primary_has_sent_and_may_not_commit_yet_is_not_errant():
    waits = primary_status(
        server_uuid=SOURCE,
        semi_sync_primary_enabled=True,
        semi_sync_primary_clients=0,
        semi_sync_wait_for_replica_count=1,
    )
    calls = {f"GetFullStatus {REPLICA}": AHEAD, f"GetFullStatus {PRIMARY}": waits}
    BACK.check(shard(calls, tablet=REPLICA, tablets=DRAINED))


@pytest.mark.parametrize(
    "primary",
    [
        primary_status(server_uuid=SOURCE),
        primary_status(server_uuid=STRANGE, semi_sync_blocked=True),
    ],
    ids=["no commit waits", "another server made them"],
)
def test_what_the_primary_lacks_is_errant_all_the_same(primary):
    vt = shard(
        {f"GetFullStatus {REPLICA}": AHEAD, f"GetFullStatus {PRIMARY}": primary}, tablet=REPLICA, tablets=DRAINED
    )
    assert "has 22 errant GTIDs" in refusal(BACK, vt)


def test_what_is_fit_is_given_back_and_the_card_says_that_somebody_drained_it():
    vt = shard(tablet=REPLICA, tablets=DRAINED)
    BACK.check(vt)
    assert "who drained it may still be working on" in BACK.cost(vt)
    assert '"db_type":"DRAINED"' in made(BACK.undo(vt))[0]


def test_what_is_gone_from_the_shard_is_refused():
    assert "Tablet zone1-0000000101 no longer belongs to" in refusal(
        DRAIN, shard(tablet=REPLICA, tablets=(THREE[0], THREE[2]))
    )
