"""What VTOrc knows of a shard, and what of it is to be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.vtorc import vtorc
from tests.recorded_vitess import RecordedVitess, series

NOW = datetime(2026, 11, 26, 1, 44, 23, tzinfo=UTC)
SHARD = {"shard": {"shard": {"is_primary_serving": True}}}
KEYSPACE = {"keyspace": {"keyspace": {"durability_policy": "semi_sync"}}}


def at(ago: float) -> str:
    return (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def detection(analysis: str, tablet: str = "zone1-0000000100", shard: str = "-80") -> dict[str, object]:
    return {
        "Analysis": analysis,
        "AnalyzedInstanceAlias": tablet,
        "AnalyzedKeyspace": "commerce",
        "AnalyzedShard": shard,
        "AnalysisMatchedProblems": None,
        "IsActionableRecovery": False,
    }


def state(*, disabled: bool = False, detected=(), recovered=()) -> list[dict[str, object]]:
    return [
        {"TableName": "database_instance", "Rows": [{"last_attempted_check": at(0)}]},
        {"TableName": "global_recovery_disable", "Rows": [{"disable_recovery": "1"}] if disabled else []},
        {
            "TableName": "recovery_detection",
            "Rows": [
                {"analysis": analysis, "alias": "zone1-0000000100", "detection_timestamp": at(ago)}
                for analysis, ago in detected
            ],
        },
        {"TableName": "topology_recovery", "Rows": list(recovered)},
    ]


def recovery(analysis: str, begun: float, ended: float | None, error: str = "") -> dict[str, object]:
    return {
        "alias": "zone1-0000000100",
        "analysis": analysis,
        "keyspace": "commerce",
        "shard": "-80",
        "start_recovery": at(begun),
        "end_recovery": "<nil>" if ended is None else at(ended),
        "is_successful": "0",
        "successor_alias": "zone1-0000000101" if analysis == "DeadPrimary" else "<nil>",
        "all_errors": error,
    }


def seen(*detections, health=None, told=None, metrics=(), config=None, calls=None):
    healthy = {"Healthy": True, "LastReported": datetime.now(UTC).isoformat()}
    gauges = (series(3, __name__="vtorc_tablets_watched_by_shard", keyspace="commerce", shard="-80"), *metrics)
    return vtorc(
        RecordedVitess(
            calls or {"GetShard": SHARD, "GetKeyspace": KEYSPACE},
            {
                "vtorc /debug/health": healthy if health is None else health,
                "vtorc /api/database-state": [state() if told is None else told],
                "vtorc /api/config": config or {"allow-recovery": True, "allow-emergency-reparent": True},
                "vtorc /api/detection-analysis": [list(detections)] if detections else [None],
                "metrics vtorc": [gauges],
            },
        )
    )


def test_a_shard_in_health():
    found = seen()
    assert (found.alive, found.acts, found.acting, found.watched) == (True, True, 1, 3)
    assert not found.problems
    assert not found.repairs_now


def test_a_dead_primary_is_its_own_to_repair():
    found = seen(detection("DeadPrimary"), told=state(detected=[("DeadPrimary", 2), ("DeadPrimary", 1)]))
    assert found.repairs_now
    assert [(each.analysis, each.seen_for) for each in found.repairing] == [("DeadPrimary", 2.0)]


@pytest.mark.parametrize("analysis", ["UnreachablePrimary", "ErrantGTIDDetected", "AllPrimaryReplicasNotReplicating"])
def test_what_it_never_repairs(analysis):
    found = seen(detection(analysis))
    assert found.detects == (analysis,)
    assert not found.repairs_now


def test_an_older_detection_with_a_gap_is_another_problem():
    found = seen(
        detection("ReplicationStopped"),
        told=state(detected=[("ReplicationStopped", 300), ("ReplicationStopped", 3), ("ReplicationStopped", 1)]),
    )
    assert found.problems[0].seen_for == 3.0


def test_no_problem_and_other_shards_are_left_out():
    assert not seen(detection("NoProblem"), detection("DeadPrimary", shard="80-")).problems


def test_recoveries_that_are_switched_off_are_told_by_their_table_alone():
    found = seen(detection("ReplicationStopped"), told=state(disabled=True))
    assert found.disabled == ("vtorc",)
    assert found.alive
    assert not found.acts
    assert not found.repairs_now


@pytest.mark.parametrize(
    ("calls", "config", "says"),
    [
        (
            {
                "GetShard": {"shard": {"shard": {"vtorc_state": {"disable_emergency_reparent": True}}}},
                "GetKeyspace": KEYSPACE,
            },
            None,
            "shard record of commerce/-80",
        ),
        (
            {
                "GetShard": SHARD,
                "GetKeyspace": {"keyspace": {"keyspace": {"vtorc_state": {"disable_emergency_reparent": True}}}},
            },
            None,
            "keyspace record of commerce",
        ),
        (None, {"allow-emergency-reparent": False}, "--allow-emergency-reparent=false"),
    ],
)
def test_without_emergency_reparents_a_dead_primary_stays_dead(calls, config, says):
    found = seen(
        detection("DeadPrimary"), detection("ReplicationStopped", "zone1-0000000101"), calls=calls, config=config
    )
    assert not found.emergency_reparents
    assert says in found.emergency_says
    assert [each.analysis for each in found.repairing] == ["ReplicationStopped"]


def test_a_health_page_that_was_not_renewed_is_not_believed():
    old = {"Healthy": True, "LastReported": "2020-01-01T00:00:00.123456789Z"}
    assert not seen(health=old).alive


def test_a_frozen_topology_lets_it_see_and_not_act():
    stuck = (
        series(2, __name__="vtorc_pending_recoveries"),
        series(24, __name__="vtorc_topology_conn_errors", cell="global", operation="ListDir"),
    )
    frozen = {"GetShard": Unreadable("vtctld does not answer within 2 s.")}
    found = seen(detection("ReplicationStopped"), metrics=stuck, calls=frozen)
    assert found.stuck
    assert not found.repairs_now
    # The counter is never set back, and a recovery under way holds a lock in good health.
    assert not seen(detection("ReplicationStopped"), metrics=stuck).stuck


def test_a_lock_that_another_one_held_is_no_trouble_of_the_topology():
    busy = (
        series(1, __name__="vtorc_shard_locks_active"),
        series(4, __name__="vtorc_topology_conn_errors", cell="global", operation="Lock"),
    )
    silent = {"GetShard": Unreadable("vtctld does not answer within 2 s.")}
    assert not seen(detection("UnreachablePrimary"), metrics=busy, calls=silent).stuck


def test_what_it_repaired_is_told_with_how_long_it_took():
    found = seen(told=state(recovered=[recovery("DeadPrimary", 9, 2)]))
    assert found.repaired
    assert found.last is not None
    assert (found.last.analysis, found.last.took, found.last.successor) == ("DeadPrimary", 7.0, "zone1-0000000101")


def test_what_mended_something_is_told_before_what_is_tried_in_vain():
    vain = recovery("StaleTopoPrimary", 2, 1)
    found = seen(detection("StaleTopoPrimary"), told=state(recovered=[recovery("DeadPrimary", 9, 2), vain]))
    assert found.last is not None
    assert found.last.analysis == "StaleTopoPrimary"
    assert found.mended is not None
    assert (found.mended.analysis, found.mended.successor) == ("DeadPrimary", "zone1-0000000101")
    assert found.mended_within(5.0) == found.mended
    assert found.mended_within(1.0) is None


def test_a_recovery_under_way_is_at_work_though_nothing_is_detected():
    assert seen(told=state(recovered=[recovery("DeadPrimary", 3, None)])).repairs_now


def test_a_recovery_that_failed_and_the_problem_stays():
    failed = recovery("PrimaryIsReadOnly", 5, 4, "rpc error: context deadline exceeded")
    found = seen(detection("PrimaryIsReadOnly"), told=state(recovered=[failed]))
    assert found.failing
    assert not found.repaired


def test_no_vtorc_answers():
    found = seen(health=Unreadable("http://127.0.0.1:1 does not answer (connection refused)."))
    assert (found.alive, found.configured, found.healthy) == (False, 1, 0)
    assert any("connection refused" in each for each in found.missing)


def test_a_recovery_that_is_repeated_counts_once_and_hides_no_failover():
    vain = [recovery("StaleTopoPrimary", ago, ago - 0.5) for ago in range(1, 40)]
    found = seen(told=state(recovered=[*vain, recovery("DeadPrimary", 60, 55)]))
    assert [each.analysis for each in found.recoveries] == ["StaleTopoPrimary", "DeadPrimary"]
