"""An emergency reparent: only while the primary is gone, VTOrc does nothing, and the replicas can take over."""

from __future__ import annotations

from typing import Any

import pytest

from actions.contract import NoUndo, Unreadable
from actions.remediations.vitess.emergency_reparent import EmergencyReparent
from tests.recorded_vitess import server, tablet
from tests.vitess_shard import (
    GONE,
    NO_MYSQL,
    OTHER,
    PRIMARY,
    REPLICA,
    UNKNOWN,
    keyspace,
    made,
    primary_status,
    record,
    refusal,
    replica_status,
    shard,
    vtgate_sees,
    vtorc,
)

VTTABLET_DEAD: dict[str, Any] = {f"GetFullStatus {PRIMARY}": GONE, f"PingTablet {PRIMARY}": UNKNOWN}
MYSQLD_DEAD: dict[str, Any] = {f"GetFullStatus {PRIMARY}": NO_MYSQL}
OFF: dict[str, Any] = {"vtorc_state": {"disable_emergency_reparent": True}}


def test_a_dead_vttablet_is_what_vtorc_never_fails_over():
    vt = shard(VTTABLET_DEAD)
    EmergencyReparent().check(vt)
    assert made(EmergencyReparent().change(vt)) == [
        'EmergencyReparentShard {"expected_primary":{"cell":"zone1","uid":100},"keyspace":"commerce","shard":"-80",'
        '"wait_replicas_timeout":{"seconds":15}}'
    ]
    assert "is not stopped: if it" in EmergencyReparent().cost(vt)


def test_a_primary_may_be_named():
    vt = shard(VTTABLET_DEAD)
    EmergencyReparent(OTHER).check(vt)
    assert '"new_primary":{"cell":"zone1","uid":102}' in made(EmergencyReparent(OTHER).change(vt))[0]
    assert "is not a REPLICA" in refusal(EmergencyReparent("zone1-0000000104"), vt)


def test_while_the_primary_answers_a_planned_one_is_for_it():
    assert "Use a planned reparent: vtctldclient PlannedReparentShard commerce/-80." in refusal(
        EmergencyReparent(), shard()
    )


def test_a_dead_mysqld_is_left_to_vtorc_where_it_may_act():
    assert "VTOrc is running and will fail over within seconds." in refusal(EmergencyReparent(), shard(MYSQLD_DEAD))


@pytest.mark.parametrize(
    ("calls", "orc"),
    [
        ({}, vtorc(healthy=False)),
        ({}, vtorc(disabled=True)),
        ({"GetShard": record(**OFF)}, vtorc()),
        ({"GetKeyspace": keyspace(**OFF)}, vtorc()),
    ],
)
def test_where_vtorc_may_not_act_a_dead_mysqld_is_ours(calls, orc):
    EmergencyReparent().check(shard({**MYSQLD_DEAD, **calls}, orc=orc))


def test_a_record_that_names_another_primary_by_now_is_refused():
    vt = shard({**VTTABLET_DEAD, "GetShard": record(REPLICA)})
    assert "primary may have been moved already." in refusal(EmergencyReparent(), vt)


def test_somebody_must_be_able_to_take_over():
    gone = {f"GetFullStatus {each}": GONE for each in (REPLICA, OTHER)}
    assert "No REPLICA of commerce/-80 can be reached" in refusal(EmergencyReparent(), shard(VTTABLET_DEAD | gone))


def test_prepared_transactions_are_looked_for_on_the_replicas():
    held = server({"redo_state": [{"prepared": 1, "distributed": 0}]})
    says = refusal(EmergencyReparent(), shard(VTTABLET_DEAD, under={OTHER: held}))
    assert "1 prepared. A prepared" in says
    denied = server({"redo_state": Unreadable("SELECT command denied")})
    says = refusal(EmergencyReparent(), shard(VTTABLET_DEAD, under={OTHER: denied}))
    assert f"Whether {OTHER} has prepared transactions is unknown, and one" in says


def test_the_sidecar_database_may_have_another_name():
    vt = shard({**VTTABLET_DEAD, "GetKeyspace": keyspace(sidecar_db_name="_vt2")})
    EmergencyReparent().check(vt)
    assert "`_vt2`.redo_state" in vt.under[REPLICA].asked[-1][0]  # type: ignore[attr-defined]


def test_it_is_good_once_another_one_serves_and_cannot_be_undone():
    promoted = (tablet(100, "PRIMARY", since=1.0), tablet(101, "PRIMARY", since=2.0), tablet(102))
    seen = vtgate_sees(_100="PRIMARY NOT_SERVING", _101="PRIMARY SERVING")
    done = {**VTTABLET_DEAD, "GetShard": record(REPLICA), f"GetFullStatus {REPLICA}": primary_status()}
    vt = shard(done, tablets=promoted, shows=seen)
    assert EmergencyReparent().verify(vt).ok
    assert not EmergencyReparent(OTHER).verify(vt).ok
    verdict = EmergencyReparent().verify(shard(VTTABLET_DEAD))
    assert (verdict.ok, verdict.settled) == (False, False)
    with pytest.raises(NoUndo, match="may have transactions that the shard lacks; once"):
        list(EmergencyReparent().undo(vt))


def test_a_replica_that_is_away_is_not_asked_for_its_transactions():
    EmergencyReparent().check(
        shard({**VTTABLET_DEAD, f"GetFullStatus {OTHER}": GONE, f"GetFullStatus {REPLICA}": replica_status()})
    )
