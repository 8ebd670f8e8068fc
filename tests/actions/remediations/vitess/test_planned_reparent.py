"""A planned reparent: only of a primary that is well, to a replica that is fit, while nothing is under way."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from actions.contract import Refused, Unreadable
from actions.remediations.vitess.planned_reparent import PlannedReparent
from tests.recorded import MYSQL_97, Recorded
from tests.recorded_vitess import THREE, tablet
from tests.vitess_shard import (
    GONE,
    OTHER,
    PRIMARY,
    REPLICA,
    SOURCE,
    STOPPED,
    STRANGE,
    made,
    primary_status,
    record,
    refusal,
    replica_status,
    shard,
    vtgate_sees,
    workflow,
)

TO_101 = (
    'PlannedReparentShard {"expected_primary":{"cell":"zone1","uid":100},"keyspace":"commerce",'
    '"new_primary":{"cell":"zone1","uid":101},"shard":"-80","tolerable_replication_lag":{"seconds":10},'
    '"wait_replicas_timeout":{"seconds":15}}'
)
PROMOTED = (tablet(100), tablet(101, "PRIMARY", since=1_772_334_900.0), tablet(102))


def test_the_best_candidate_is_named_and_so_is_the_primary_that_is_expected():
    vt = shard()
    PlannedReparent().check(vt)
    assert made(PlannedReparent().change(vt)) == [TO_101]
    assert "zone1-0000000101 becomes the primary of commerce/-80 (the best candidate" in PlannedReparent().cost(vt)


def test_it_is_undone_by_the_way_back():
    (back,) = made(PlannedReparent().undo(shard()))
    assert '"new_primary":{"cell":"zone1","uid":100}' in back
    assert '"expected_primary":{"cell":"zone1","uid":101}' in back


def test_lag_of_a_second_does_not_change_the_choice_and_more_of_it_does():
    little = shard({f"GetFullStatus {REPLICA}": replica_status(replication_lag_seconds=1)})
    assert made(PlannedReparent().change(little)) == [TO_101]
    more = shard({f"GetFullStatus {REPLICA}": replica_status(replication_lag_seconds=3)})
    assert '"new_primary":{"cell":"zone1","uid":102}' in made(PlannedReparent().change(more))[0]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (GONE, "status could not be read"),
        (replica_status(backup_running=True), "a backup is running on"),
        (replica_status(**STOPPED), "of commerce/-80: the receiver is stopped and the applier is stopped."),
        (replica_status(replication_lag_seconds=11), "it is 11 s behind, and at most 10 s"),
        (replica_status(replication_lag_unknown=True), "it is an unknown time behind"),
        (replica_status(executed=f"MySQL56/{STRANGE}:7-9,{SOURCE}:1-300"), "it has 3 errant GTIDs"),
        (replica_status(executed="FilePos/vt-bin.000001:4"), "GTID set could not be compared"),
    ],
)
def test_a_replica_that_is_unfit_is_not_chosen_and_refused_by_name(status, why):
    vt = shard({f"GetFullStatus {REPLICA}": status})
    assert '"uid":102' in made(PlannedReparent().change(vt))[0]
    says = refusal(PlannedReparent(REPLICA), vt)
    assert says.startswith(f"{REPLICA} cannot become the primary of commerce/-80: ")
    assert why in says


def test_where_nobody_is_fit_each_reason_is_told():
    vt = shard({f"GetFullStatus {each}": replica_status(**STOPPED) for each in (REPLICA, OTHER)})
    says = refusal(PlannedReparent(), vt)
    assert f"{REPLICA}: the receiver is" in says
    assert f"{OTHER}: the receiver is" in says


def test_only_a_replica_of_the_shard_is_promoted():
    rdonly = shard(tablets=(THREE[0], tablet(101, "RDONLY"), THREE[2]))
    assert "type is RDONLY, and only a REPLICA can be" in refusal(PlannedReparent(REPLICA), rdonly)
    assert "has no tablet 'zone1-0000000104'" in refusal(PlannedReparent("zone1-0000000104"), shard())
    assert "is already the primary of commerce/-80." in refusal(PlannedReparent(PRIMARY), shard())


def test_another_cell_is_chosen_only_by_name():
    far = replace(tablet(101), cell="zone2", alias="zone2-0000000101")
    vt = shard(
        {"GetFullStatus zone2-0000000101": replica_status(), f"GetFullStatus {OTHER}": replica_status(**STOPPED)},
        tablets=(THREE[0], far, THREE[2]),
    )
    assert "it is in another cell, zone2" in refusal(PlannedReparent(), vt)
    PlannedReparent("zone2-0000000101").check(vt)


def test_a_primary_that_does_not_answer_is_left_to_an_emergency():
    says = refusal(PlannedReparent(), shard({f"GetFullStatus {PRIMARY}": GONE}))
    assert "does not respond" in says
    assert "Continue with /runbook run vitess/shard zone1-0000000100." in says


def test_it_is_planned_on_the_primary():
    assert "zone1-0000000101 is REPLICA, not the primary" in refusal(PlannedReparent(), shard(tablet=REPLICA))
    assert "names zone1-0000000101 as primary" in refusal(PlannedReparent(), shard({"GetShard": record(REPLICA)}))


def test_a_primary_of_less_than_a_minute_is_left_alone():
    young = shard(tablets=(tablet(100, "PRIMARY", since=time.time() - 20), *THREE[1:]))
    assert "for less than 60 s," in refusal(PlannedReparent(), young)


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        ({"GetWorkflows": workflow(message="FROZEN")}, "MoveTables move from customer to commerce has switched"),
        (
            {"GetShard": record(tablet_controls=[{"tablet_type": "PRIMARY", "denied_tables": ["customer"]}])},
            "The primary of commerce/-80",
        ),
        ({"GetShard": record(is_primary_serving=False)}, "its primary does not serve"),
        (
            {
                "GetSchemaMigrations": {
                    "migrations": [{"uuid": "ab_cd", "table": "orders", "shard": "-80", "ready_to_complete": True}]
                }
            },
            "The schema migration ab_cd of orders is about to cut over",
        ),
    ],
)
def test_nothing_may_be_under_way_that_a_reparent_would_break(calls, why):
    assert why in refusal(PlannedReparent(), shard(calls))


def test_a_workflow_that_only_copies_and_a_schema_change_that_waits_are_no_obstacle():
    waits = {"uuid": "x", "shard": "-80", "ready_to_complete": True, "postpone_completion": True}
    elsewhere = {"uuid": "y", "shard": "80-", "ready_to_complete": True}
    migrations = {"migrations": [waits, elsewhere]}
    PlannedReparent().check(shard({"GetWorkflows": workflow(), "GetSchemaMigrations": migrations}))


def test_a_prepared_transaction_is_concluded_first():
    page = {"Distributed": None, "Prepared": [{"Dtid": "commerce:-80:1"}], "Failed": None}
    says = refusal(PlannedReparent(), shard(pages={f"vttablet {PRIMARY} /twopcz?format=json": page}))
    assert "1 prepared. A prepared" in says
    silent = shard(pages={f"vttablet {PRIMARY} /twopcz?format=json": GONE})
    assert "Whether zone1-0000000100 has distributed transactions is" in refusal(PlannedReparent(), silent)


def test_vtorc_may_have_no_problem_of_the_shard_at_hand():
    problem = {"Keyspace": "commerce", "Shard": "-80", "Problems": ["not_replicating"], "InstanceAlias": OTHER}
    says = refusal(PlannedReparent(), shard(pages={"vtorc /api/problems": [[problem]]}))
    assert f"VTOrc detects not_replicating on {OTHER}" in says
    PlannedReparent().check(shard(pages={"vtorc /api/problems": [[{**problem, "Shard": "80-"}]]}))
    with pytest.raises(Unreadable, match="that VTOrc detects could not"):
        PlannedReparent().check(shard(pages={"vtorc /api/problems": GONE}))


def test_it_is_good_once_the_topology_the_server_and_vtgate_agree():
    done = {"GetShard": record(REPLICA), f"GetFullStatus {REPLICA}": primary_status()}
    seen = vtgate_sees(_100="REPLICA SERVING", _101="PRIMARY SERVING")
    verdict = PlannedReparent().verify(shard(done, tablets=PROMOTED, shows=seen))
    assert verdict.ok
    assert verdict.says.startswith(f"{REPLICA} is the primary")
    assert not PlannedReparent(OTHER).verify(shard(done, tablets=PROMOTED, shows=seen)).ok


@pytest.mark.parametrize(
    ("vt", "says"),
    [
        (shard(), "is still the primary"),
        (shard({"GetShard": record(REPLICA)}), "its type is not PRIMARY yet."),
        (shard({"GetShard": record(REPLICA)}, tablets=PROMOTED), "its MySQL server is still read-only."),
        (
            shard({"GetShard": record(REPLICA), f"GetFullStatus {REPLICA}": primary_status()}, tablets=PROMOTED),
            "but vtgate does not use it yet.",
        ),
    ],
)
def test_until_then_it_is_not_settled(vt, says):
    verdict = PlannedReparent().verify(vt)
    assert (verdict.ok, verdict.settled) == (False, False)
    assert says in verdict.says


def test_it_is_no_change_of_a_server():
    with pytest.raises(Refused, match="is not a Vitess tablet,"):
        PlannedReparent().check(Recorded(MYSQL_97, {}))


def test_the_lag_that_is_tolerated_is_handed_on():
    vt = shard({f"GetFullStatus {REPLICA}": replica_status(replication_lag_seconds=20)})
    (statement,) = made(PlannedReparent(REPLICA, tolerable_replication_lag=30).change(vt))
    assert '"tolerable_replication_lag":{"seconds":30}' in statement
