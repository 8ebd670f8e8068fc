"""vitess.replication: each replica by its own word, and whether commits are acknowledged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.replication import replication
from actions.vitess_contract import alias_record
from tests.actions.diagnostics.vitess.recordings import (
    COUNTED,
    NO_MYSQLD,
    READS,
    SILENT,
    WRITES,
    A,
    B,
    C,
    down,
    healthy,
    keyspace_record,
    of_primary,
    of_replica,
    tablet_mysql,
    typed,
)
from tests.recorded import named
from tests.recorded_vitess import THREE, series

FAILED = (
    "Coordinator stopped because there were error(s) in the worker(s). The most recent failure being: Worker 1 failed "
    "executing transaction '6280c43a-e939-11f1-98de-02fc00000001:1195' at source log vt-0000000104-bin.000001, "
    "end_log_pos 454593. See error log and/or performance_schema.replication_applier_status_by_worker table for more "
    "details about this failure or others, if any."
)
RUNS = [
    {
        "Replica_IO_Running": "Yes",
        "Replica_SQL_Running": "Yes",
        "Seconds_Behind_Source": 4,
        "SQL_Delay": 0,
        "Source_Host": "127.0.0.1",
        "Source_Port": 17100,
    }
]


def aliases(replicas) -> list[str]:
    return [each.alias for each in replicas]


def test_a_shard_in_health():
    found = replication(healthy())
    assert (found.primary_alias, found.primary_known, found.durability) == (A, True, "semi_sync")
    assert aliases(found.replicas) == [B, C]
    assert all(each.running and each.known and each.from_primary for each in found.replicas)
    assert (found.max_lag, found.stopped, found.unknown, found.wrong_source, found.writable) == (0.0, (), (), (), ())
    assert (found.semi_sync_wanted, found.semi_sync_enabled, found.semi_sync_active) == (True, True, True)
    assert (found.semi_sync_clients, found.wait_for, found.blocked, found.writes_blocked) == (2, 1, False, 0)
    assert aliases(found.ackers) == [B, C]
    assert found.missing == ()


def test_stopped_by_hand_has_no_error_and_its_lag_is_not_zero_but_unknown():
    stopped = of_replica(
        replication={"io_state": 1, "sql_state": 1, "replication_lag_unknown": True}, semi_sync_replica_status=None
    )
    found = replication(healthy(calls={f"GetFullStatus {B}": stopped}))
    assert aliases(found.stopped) == aliases(found.stopped_by_hand) == [B]
    assert (found.replicas[0].lag, found.replicas[0].receiver, found.replicas[0].applier) == (
        None,
        "stopped",
        "stopped",
    )
    assert (aliases(found.ackers), aliases(found.ackers_possible), found.failed) == ([C], [B, C], ())


def test_stopped_by_an_error_has_its_number_from_the_server_beneath():
    told = {"sql_state": 1, "last_sql_error": FAILED, "replication_lag_unknown": True}
    row = {**RUNS[0], "Replica_SQL_Running": "No", "Last_SQL_Errno": 1062, "Last_SQL_Error": "Duplicate entry 'a@b.c'"}
    under = {B: tablet_mysql(REPLICA=[row], STATUS=named(), VARIABLES=named(), read_only=READS)}
    found = replication(healthy(calls={f"GetFullStatus {B}": of_replica(replication=told)}, under=under))
    assert aliases(found.failed) == [B]
    assert found.stopped_by_hand == ()
    assert (found.replicas[0].errno, found.replicas[0].applier_error) == (1062, "Duplicate entry '?'")


@pytest.mark.parametrize(
    ("error", "errno"),
    [
        ("Could not execute Write_rows event on table a.b; Error_code: 1032; handler error HA_ERR_KEY_NOT_FOUND", 1032),
        ("Error 'Unknown table' on opening tables, Error_code: MY-001146", 1146),
        ("Got fatal error 1236 from source when reading data from binary log", 1236),
        (FAILED, 0),
    ],
)
def test_without_the_server_beneath_the_number_is_read_from_the_words(error: str, errno: int):
    told = of_replica(replication={"sql_state": 1, "last_sql_error": error, "replication_lag_unknown": True})
    found = replication(healthy(calls={f"GetFullStatus {B}": told}, under={}))
    assert found.replicas[0].errno == errno
    assert found.replicas[0].failed


def test_lag_is_mysqls_own_and_a_delay_is_taken_off():
    calls = {
        f"GetFullStatus {B}": of_replica(replication={"replication_lag_seconds": 15}),
        f"GetFullStatus {C}": of_replica(replication={"replication_lag_seconds": 40, "sql_delay": 40}),
    }
    found = replication(healthy(calls=calls))
    assert (found.max_lag, found.replicas[1].delay) == (15.0, 40.0)


def test_a_vttablet_that_reports_no_lag_is_told_where_there_is_some():
    behind = of_replica(replication={"replication_lag_seconds": 15})
    found = replication(healthy(calls={f"GetFullStatus {B}": behind}))
    assert aliases(found.lag_not_reported) == [B]
    counted = (series(14, __name__="vttablet_replication_lag_sec"), *COUNTED[1:])
    found = replication(healthy(calls={f"GetFullStatus {B}": behind}, pages={f"metrics vttablet {B}": [counted]}))
    assert found.lag_not_reported == ()
    assert found.replicas[0].reported_lag == 14


def test_a_replica_of_another_source():
    wrong = of_replica(replication={"source_port": 17102})
    found = replication(healthy(calls={f"GetFullStatus {B}": wrong}))
    assert [(each.alias, each.source) for each in found.wrong_source] == [(B, "127.0.0.1:17102")]


def test_a_replica_that_takes_writes_or_does_not_replicate_at_all():
    left = of_replica(read_only=None, super_read_only=None, replication_status=None)
    found = replication(healthy(calls={f"GetFullStatus {C}": left}))
    assert aliases(found.writable) == [C]
    assert (found.replicas[1].configured, found.replicas[1].stopped, found.replicas[1].from_primary) == (
        False,
        False,
        None,
    )


def test_a_replica_under_a_dead_vttablet_is_asked_past_it_at_once():
    acks = named(Rpl_semi_sync_replica_status="ON"), named(rpl_semi_sync_replica_enabled="ON")
    under = {B: tablet_mysql(REPLICA=RUNS, STATUS=acks[0], VARIABLES=acks[1], read_only=READS)}
    vt = healthy(pages=down(B, SILENT), under=under)
    found = replication(vt)
    assert (found.replicas[0].known, found.replicas[0].running, found.replicas[0].lag) == (True, True, 4.0)
    assert (found.replicas[0].from_primary, found.replicas[0].acknowledges) == (True, True)
    assert (found.replicas[0].reported_lag, found.missing) == (None, ())
    assert {request["tablet_alias"]["uid"] for name, request in vt.called if name == "GetFullStatus"} == {100, 102}


def test_a_replica_of_which_nothing_is_known():
    found = replication(healthy(calls={f"GetFullStatus {B}": NO_MYSQLD}, under={}))
    assert aliases(found.unknown) == [B]
    assert (found.replicas[0].stopped, aliases(found.ackers)) == (False, [C])
    assert f"of {B} is unknown: vtctld at 127.0.0.1:15999 refused GetFullStatus" in found.missing[0]


def test_writes_wait_where_nobody_acknowledges():
    counted = (COUNTED[0], series(3, __name__="vttablet_semi_sync_monitor_writes_blocked"))
    calls = {f"GetFullStatus {A}": of_primary(semi_sync_primary_clients=None)}
    found = replication(healthy(calls=calls, pages={f"metrics vttablet {A}": [counted]}))
    assert (found.blocked, found.semi_sync_clients, found.writes_blocked) == (True, 0, 3)
    told = replication(healthy(calls={f"GetFullStatus {A}": of_primary(semi_sync_blocked=True)}))
    assert told.blocked


def test_a_primary_under_a_dead_vttablet_is_asked_past_it():
    status = named(Rpl_semi_sync_source_clients=0, Rpl_semi_sync_source_status="ON")
    variables = named(rpl_semi_sync_source_enabled="ON", rpl_semi_sync_source_wait_for_replica_count=1)
    found = replication(healthy(pages=down(A), under={A: tablet_mysql(STATUS=status, VARIABLES=variables)}))
    assert (found.primary_known, found.semi_sync_enabled, found.semi_sync_clients, found.blocked) == (
        True,
        True,
        0,
        True,
    )
    away = replication(healthy(pages=down(A), under={}))
    assert (away.primary_known, away.blocked) == (False, False)
    assert "The semi-sync state of the primary is unknown" in away.missing[0]


@pytest.mark.parametrize(
    ("policy", "type_", "cell", "may"),
    [
        ("none", "REPLICA", "zone1", False),
        ("semi_sync", "REPLICA", "zone1", True),
        ("semi_sync", "RDONLY", "zone1", False),
        ("semi_sync", "DRAINED", "zone1", False),
        ("semi_sync_with_rdonly_ack", "RDONLY", "zone1", True),
        ("cross_cell", "REPLICA", "zone1", False),
        ("cross_cell", "REPLICA", "zone2", True),
        ("cross_cell", "RDONLY", "zone2", False),
        ("cross_cell_with_rdonly_ack", "RDONLY", "zone2", True),
    ],
)
def test_who_may_acknowledge_by_the_durability_policy(policy: str, type_: str, cell: str, may: bool):
    tablets = (*THREE[:2], replace(typed(type_, 102)[2], cell=cell))
    found = replication(healthy(tablets=tablets, calls={"GetKeyspace": keyspace_record(durability_policy=policy)}))
    assert found.replicas[1].may_acknowledge is may


def test_a_keyspace_without_a_policy_wants_no_acknowledgement():
    found = replication(healthy(calls={"GetKeyspace": keyspace_record(durability_policy=None)}))
    assert (found.durability, found.semi_sync_wanted) == ("none", False)


def test_without_the_records_the_replicas_are_told_and_their_source_is_not_judged():
    found = replication(healthy(calls={"GetShard": Unreadable("vtctld did not answer GetShard within 2 s.")}))
    assert (found.primary_alias, found.wrong_source, found.primary_known) == ("", (), False)
    assert aliases(found.replicas) == [A, B, C]
    assert len(found.missing) == 2


def test_no_more_than_four_are_asked_past_their_vttablets():
    many = tuple(replace(THREE[1], alias=f"zone1-{uid:010d}", uid=uid) for uid in range(101, 108))
    asked: list[str] = []
    under = {each.alias: tablet_mysql(REPLICA=RUNS, STATUS=[], VARIABLES=[], read_only=WRITES) for each in many}
    pages = {key: value for each in many for key, value in down(each.alias).items()}
    found = replication(healthy(tablets=(THREE[0], *many), pages=pages, under={**under, A: tablet_mysql()}))
    asked = [alias for alias, db in under.items() if db.asked]
    assert asked == [each.alias for each in many[:4]]
    assert len(found.unknown) == 3


@pytest.mark.vitess
def test_a_real_shard(hands, replica):
    found = hands.ask(replication)
    assert (found.semi_sync_active, found.semi_sync_clients, found.blocked, found.missing) == (True, 2, False, ())
    assert [(each.running, each.from_primary, each.acknowledges) for each in found.replicas] == [(True, True, True)] * 2


@pytest.mark.vitess
def test_a_real_replica_that_is_stopped_while_vtorc_does_not_look(hands, replica, trouble):
    with trouble("frozen", "vtorc"):
        hands.call("StopReplication", tablet_alias=alias_record(replica.alias))
        found = hands.ask(replication)
    assert aliases(found.stopped_by_hand) == [replica.alias]
    assert (len(found.ackers), found.blocked) == (1, False)


@pytest.mark.vitess
def test_a_real_replica_under_a_dead_vttablet(hands, replica, trouble):
    with trouble("killed", replica.vttablet):
        found = hands.ask(replication)
    asked = next(each for each in found.replicas if each.alias == replica.alias)
    assert (asked.known, asked.running, asked.acknowledges, asked.reported_lag) == (True, True, True, None)
