"""vitess.shard_health: who is primary, what is down, and how that is known."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.shard_health import shard_health
from actions.diagnostics.vitess.topology_servers import topology_servers
from bot.lab.waiting import wait_until
from tests.actions.diagnostics.vitess.recordings import (
    NO_MYSQLD,
    READS,
    REFUSED,
    SEEN,
    SILENT,
    TOPOLOGY_AWAY,
    WRITES,
    A,
    B,
    C,
    TopologyAway,
    details,
    down,
    healthy,
    of_primary,
    of_replica,
    seen,
    shard_record,
    tablet_mysql,
    typed,
)
from tests.recorded_vitess import THREE, server


def aliases(tablets) -> list[str]:
    return [each.alias for each in tablets]


def test_a_shard_in_health():
    found = shard_health(healthy())
    assert (found.keyspace, found.shard, found.primary_alias, found.missing) == ("commerce", "-80", A, ())
    assert aliases(found.tablets) == [A, B, C]
    assert found.primary is not None
    assert found.primary.alias == A
    assert found.primary_served
    assert found.primary_writable
    assert found.primary_mysqld_alive
    assert aliases(found.serving_replicas) == [B, C]
    assert (found.down, found.not_serving, found.drained, found.stale_primaries) == ((), (), (), ())
    assert not found.two_primaries
    assert not found.record_stale
    assert not found.no_primary
    assert found.primary_since == pytest.approx(1772334000.8125)
    assert found.primary_age == pytest.approx(time.time() - 1772334000.8, abs=60)


@pytest.mark.parametrize("error", [REFUSED, SILENT], ids=["killed", "frozen"])
def test_the_primarys_vttablet_is_dead_and_its_mysqld_alive_and_writable(error: Unreadable):
    vt = healthy(
        pages=down(A, error),
        shows=(seen(A, "PRIMARY", "NOT_SERVING", "2026-03-01T03:00:00Z"), *SEEN[1:]),
        under={A: tablet_mysql(read_only=WRITES)},
    )
    found = shard_health(vt)
    assert (found.primary_vttablet_dead, found.primary_mysqld_dead, found.primary_mysqld_alive) == (True, False, True)
    assert (found.primary_writable, found.primary_served) == (True, False)
    assert aliases(found.down) == [A]
    assert found.replicas_down == ()
    assert {request["tablet_alias"]["uid"] for name, request in vt.called if name == "GetFullStatus"} == {101, 102}


def test_the_primarys_mysqld_is_dead():
    page = details("PRIMARY: Not connected to mysql, Mar 1, 2026 at 03:00:00 (UTC)", css="unhealthy")
    vt = healthy(
        calls={f"GetFullStatus {A}": NO_MYSQLD}, pages={f"vttablet {A} /debug/status_details": [page]}, under={}
    )
    found = shard_health(vt)
    assert (found.primary_vttablet_dead, found.primary_mysqld_dead, found.primary_mysqld_alive) == (False, True, False)
    assert (found.primary_writable, found.primary_read_only) == (False, False)


def test_a_primary_of_whose_mysqld_nothing_is_known_is_neither_dead_nor_alive():
    found = shard_health(healthy(pages=down(A, SILENT), under={}))
    assert (found.primary_vttablet_dead, found.primary_mysqld_dead, found.primary_mysqld_alive) == (True, False, False)


def test_a_mysqld_that_takes_connections_and_does_not_answer_hangs_though_its_vttablet_serves():
    silent = Unreadable("db-2:3306 takes connections but does not answer (timed out). It is overloaded, suspended.")
    late = Unreadable("vtctld did not answer GetFullStatus within 2 s.")
    found = shard_health(healthy(calls={f"GetFullStatus {B}": late}, under={B: server({"SELECT @@GLOBAL": silent})}))
    assert (aliases(found.hanging), found.down, found.mysql_unknown) == ([B], (), ())
    assert found.hanging[0].serving
    assert aliases(shard_health(healthy(calls={f"GetFullStatus {B}": late}, under={})).mysql_unknown) == [B]


def test_a_primary_left_read_only():
    found = shard_health(healthy(calls={f"GetFullStatus {A}": of_primary(read_only=True, super_read_only=True)}))
    assert (found.primary_read_only, found.primary_writable, found.primary_served) == (True, False, True)


def test_replicas_down_by_either_part():
    vt = healthy(
        calls={f"GetFullStatus {C}": NO_MYSQLD},
        pages=down(B),
        shows=(SEEN[0], seen(B, state="NOT_SERVING"), seen(C, state="NOT_SERVING")),
        under={B: tablet_mysql(read_only=READS)},
    )
    found = shard_health(vt)
    assert [(each.alias, each.vttablet_dead, each.mysqld_dead) for each in found.replicas_down] == [
        (B, True, False),
        (C, False, True),
    ]
    assert (found.all_replicas_down, found.serving_replicas) == (True, ())


def test_who_serves_reads_is_vtgates_word_or_else_the_tablets_own():
    assert aliases(shard_health(healthy(shows=(SEEN[0], SEEN[1]))).serving_replicas) == [B]
    found = shard_health(healthy(shows=None, pages=down(B), under={}))
    assert aliases(found.serving_replicas) == [C]
    assert "How vtgate sees the tablets is unknown: vtgate has no recorded answer to 'SHOW" in found.missing[0]


def test_a_tablet_that_could_serve_and_does_not_has_its_reason():
    page = details(
        "REPLICA: Not Serving", ("Reason", "unhappy", "TabletControl.DisableQueryService set"), css="unhappy"
    )
    found = shard_health(healthy(pages={f"vttablet {B} /debug/status_details": [page]}))
    assert [(each.alias, each.reason) for each in found.not_serving] == [(B, "TabletControl.DisableQueryService set")]
    assert found.down == ()


def test_after_a_failover_the_old_primary_is_stale_and_the_real_one_is_the_newest():
    tablets = (THREE[0], replace(THREE[1], type="PRIMARY", primary_since=1_772_337_600.0), THREE[2])
    record = shard_record(
        primary_alias={"cell": "zone1", "uid": 101}, primary_term_start_time={"seconds": "1772337600"}
    )
    shows = (
        seen(A, "PRIMARY", "NOT_SERVING", "2026-03-01T03:00:00Z"),
        seen(B, "PRIMARY", "SERVING", "2026-03-01T04:00:00Z"),
        SEEN[2],
    )
    calls = {"GetShard": record, f"GetFullStatus {A}": NO_MYSQLD, f"GetFullStatus {B}": of_primary()}
    found = shard_health(healthy(tablets=tablets, calls=calls, shows=shows, under={}))
    assert found.primary is not None
    assert found.primary.alias == B
    assert aliases(found.stale_primaries) == [A]
    assert aliases(found.writable_primaries) == [B]
    assert (found.two_primaries, found.record_stale, found.primary_served) == (True, False, True)


def test_a_record_that_names_an_older_primary_than_the_topology_has():
    tablets = (THREE[0], replace(THREE[1], type="PRIMARY", primary_since=1_772_337_600.0), THREE[2])
    found = shard_health(healthy(tablets=tablets, calls={f"GetFullStatus {B}": of_primary()}))
    assert found.record_stale
    assert found.primary is not None
    assert found.primary.alias == A
    assert aliases(found.writable_primaries) == [A, B]


def test_a_shard_without_a_primary():
    tablets = typed("REPLICA", 100)
    calls = {"GetShard": shard_record(primary_alias=None, primary_term_start_time=None)}
    found = shard_health(healthy(tablets=tablets, calls=calls, shows=(seen(A), seen(B), seen(C))))
    assert (found.no_primary, found.primary, found.primary_alias, found.primary_since) == (True, None, "", None)
    assert (found.primary_vttablet_dead, found.primary_mysqld_dead, found.primary_served) == (False, False, False)


def test_a_record_that_names_a_tablet_that_is_gone_names_none():
    calls = {"GetShard": shard_record(primary_alias={"cell": "zone1", "uid": 109})}
    assert shard_health(healthy(calls=calls)).no_primary


@pytest.mark.parametrize(
    ("type_", "name"),
    [("DRAINED", "drained"), ("RDONLY", "rdonly"), ("BACKUP", "backing_up"), ("RESTORE", "backing_up")],
)
def test_tablets_of_other_types(type_: str, name: str):
    found = shard_health(healthy(tablets=typed(type_, 102)))
    assert aliases(getattr(found, name)) == [C]
    assert aliases(found.replicas) == [B]


def test_what_the_record_of_the_shard_switches():
    record = shard_record(is_primary_serving=None, vtorc_state={"disable_emergency_reparent": True})
    found = shard_health(healthy(calls={"GetShard": record}))
    assert (found.primary_serving, found.emergency_reparent_disabled) == (False, True)
    found = shard_health(healthy())
    assert (found.primary_serving, found.emergency_reparent_disabled) == (True, False)


def test_while_the_topology_is_away_there_is_vtgates_view_and_nothing_is_called_dead():
    vt = healthy(reader=TopologyAway, calls={"GetShard": TOPOLOGY_AWAY})
    found = shard_health(vt)
    assert (found.topology_reachable, found.record_known, found.no_primary) == (False, False, False)
    assert found.primary is not None
    assert found.primary.alias == A
    assert (found.primary_served, found.primary_vttablet_dead, found.down) == (True, False, ())
    assert "The topology could not be read" in found.missing[0]
    assert vt.called == []


def test_with_neither_topology_nor_vtgate_there_is_nothing_to_tell():
    with pytest.raises(Unreadable, match="did not answer GetTablets"):
        shard_health(healthy(reader=TopologyAway, shows=None))


def test_without_the_record_the_primary_is_the_one_whose_term_began_last():
    found = shard_health(healthy(calls={"GetShard": TOPOLOGY_AWAY}))
    assert (found.topology_reachable, found.record_known, found.primary_serving) == (True, False, True)
    assert found.primary is not None
    assert found.primary.alias == A
    assert "The shard record could not be read: vtctld at 127.0.0.1:15999 did not answer GetTablets" in found.missing[0]


def test_a_stalled_disk_is_told():
    found = shard_health(healthy(calls={f"GetFullStatus {B}": {"status": {"disk_stalled": True}}}))
    assert aliases(found.disks_stalled) == [B]


def test_a_replica_that_takes_writes_is_seen():
    left = of_replica(read_only=None, super_read_only=None)
    found = shard_health(healthy(calls={f"GetFullStatus {C}": left}))
    assert [each.alias for each in found.tablets if each.writable] == [A, C]


@pytest.mark.vitess
def test_a_real_shard(hands, replica):
    found = hands.ask(shard_health)
    assert found.primary is not None
    assert found.primary.alias == hands.primary()
    assert (found.primary_served, found.primary_writable, found.down, found.missing) == (True, True, (), ())
    assert len(found.serving_replicas) == 2
    assert found.primary.primary_since == pytest.approx(found.primary_since, abs=1)


@pytest.mark.vitess
@pytest.mark.parametrize(("how", "said"), [("killed", "refused"), ("frozen", "silent")])
def test_a_real_vttablet_that_is_gone(hands, replica, trouble, how: str, said: str):
    with trouble(how, replica.vttablet):
        found = hands.ask(shard_health)
    assert [(each.alias, each.vttablet, each.mysqld, each.super_read_only) for each in found.down] == [
        (replica.alias, said, "alive", True)
    ]


@pytest.mark.vitess
def test_a_real_mysqld_that_is_gone(hands, replica, trouble):
    with trouble("killed", replica.mysqld):
        found = hands.ask(shard_health)
        wait_until("vttablet has noticed", lambda: bool(not_connected(hands)), 30)
    assert [(each.alias, each.vttablet, each.mysqld) for each in found.replicas_down] == [
        (replica.alias, "answers", "dead")
    ]


@pytest.mark.vitess
def test_a_real_mysqld_that_is_frozen(hands, replica, trouble):
    with trouble("frozen", replica.mysqld):
        found = hands.ask(shard_health)
    assert [(each.alias, each.vttablet, each.serving) for each in found.hanging] == [(replica.alias, "answers", True)]


def not_connected(hands) -> list[str]:
    return [each.alias for each in hands.ask(shard_health).tablets if each.state.endswith("Not connected to mysql")]


@pytest.mark.vitess
def test_a_real_topology_server_that_is_frozen(hands, replica, trouble):
    with hands.reader() as vt, trouble("frozen", "etcd"):
        found = shard_health(vt)
        servers = topology_servers(vt)
    assert (found.topology_reachable, found.primary_served, found.down) == (False, True, ())
    assert (servers.topology_dead, servers.vtctld_dead) == (True, False)
