"""Replication of a tablet is started only while VTOrc does not, and only where it would go on."""

from __future__ import annotations

from actions.remediations.vitess.start_replication import StartReplication
from tests.recorded_vitess import THREE, server, tablet
from tests.vitess_shard import GONE, PRIMARY, REPLICA, STOPPED, made, refusal, replica_status, shard, vtorc

NO_ORC = vtorc(healthy=False)
START = StartReplication(stopped_by_hand_too=True)


def tablet_mysql(errno: int = 0, error: str = ""):
    row = {
        "Replica_IO_Running": "Yes",
        "Replica_SQL_Running": "No",
        "Last_SQL_Errno": errno,
        "Last_SQL_Error": error,
        "Last_IO_Errno": 0,
        "Last_IO_Error": "",
        "Seconds_Behind_Source": None,
        "Source_Host": "127.0.0.1",
        "Source_Port": 17100,
    }
    workers = [{"error": error, "number": errno, "errno": errno}] if errno else []
    return server({"SHOW REPLICA STATUS": [row], "performance_schema": workers})


def stopped(errno: int = 0, error: str = "", **options):
    calls = {f"GetFullStatus {REPLICA}": replica_status(**STOPPED, last_sql_error=error)}
    return shard(calls, tablet=REPLICA, under={REPLICA: tablet_mysql(errno, error)}, **{"orc": NO_ORC, **options})


def test_it_is_started_and_stopped_again():
    START.check(stopped())
    assert made(START.change(stopped())) == ['StartReplication {"tablet_alias":{"cell":"zone1","uid":101}}']
    assert made(START.undo(stopped())) == ['StopReplication {"tablet_alias":{"cell":"zone1","uid":101}}']


def test_vtorc_does_it_within_seconds():
    says = refusal(START, stopped(orc=vtorc()))
    assert "starts the replication of zone1-0000000101 within seconds. Wait for" in says
    START.check(stopped(orc=vtorc(disabled=True)))


def test_what_somebody_stopped_is_started_only_when_that_is_asked_for():
    assert "stopped without an error" in refusal(StartReplication(), stopped())


def test_an_error_that_stays_is_refused():
    assert "Error 1062 of the applier" in refusal(START, stopped(1062, "Duplicate entry"))


def test_a_primary_and_a_tablet_in_a_backup_are_refused():
    assert "is the primary of commerce/-80" in refusal(START, shard(orc=NO_ORC))
    backup = (THREE[0], tablet(101, "BACKUP"), THREE[2])
    assert "is BACKUP; its replication" in refusal(START, stopped(tablets=backup))


def test_it_is_good_while_both_threads_run():
    verdict = START.verify(shard(tablet=REPLICA))
    assert (verdict.ok, verdict.says) == (True, f"{REPLICA} replicates, 0 s behind.")
    late = START.verify(stopped())
    assert (late.ok, late.settled) == (False, False)
    failed = START.verify(stopped(1062, "Could not execute: Duplicate entry 'secret' for key"))
    assert (failed.ok, failed.settled) == (False, True)
    assert "secret" not in failed.says
    away = START.verify(shard({f"GetFullStatus {REPLICA}": GONE}, tablet=REPLICA))
    assert (away.ok, away.settled) == (False, False)
    assert PRIMARY not in away.says
