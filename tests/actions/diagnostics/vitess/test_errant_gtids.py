"""vitess.errant_gtids: subtracted by MySQL itself, at two looks, with VTOrc's word beside it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from actions.contract import Row, Unreadable
from actions.diagnostics.vitess.errant_gtids import ErrantTablet, errant_gtids
from bot.lab.connections import administrator, ask
from bot.lab.waiting import wait_until
from tests.actions.diagnostics.vitess.recordings import (
    NO_MYSQLD,
    PRIMARY_UUID,
    REPLICA_UUID,
    SILENT,
    TOPOLOGY_AWAY,
    A,
    B,
    C,
    down,
    healthy,
    of_replica,
    shard_record,
    tablet_mysql,
)
from tests.recorded import MYSQL_97, Recorded
from tests.recorded_vitess import RecordedVitess

WITH_ONE = of_replica(replication={"position": f"MySQL56/{PRIMARY_UUID}:1-382,\n{REPLICA_UUID}:1"})
NO_FAILOVER = 1_772_334_000.0 + 3600
VTORC = [{"InstanceAlias": B, "GtidErrant": f"{REPLICA_UUID}:1"}]


class Primary(Recorded):
    """Subtracts as MySQL does, as far as these sets need it: what is of the primary's own it has."""

    def rows(self, sql: str, params: Any = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Keeps what was asked."""
        self.asked.append((sql, tuple(params)))
        parts = [part for part in str(params[0]).split(",") if not part.startswith(PRIMARY_UUID)]
        return [{"errant": ",".join(parts)}]


@pytest.fixture(autouse=True)
def an_hour_after_the_failover(request, monkeypatch):
    if not request.node.get_closest_marker("vitess"):  # gRPC reckons its deadlines with this clock, too
        monkeypatch.setattr(time, "time", lambda: NO_FAILOVER)


def primary() -> dict[str, Any]:
    return {A: Primary(MYSQL_97, {})}


def test_none():
    vt = healthy(under=primary())
    found = errant_gtids(vt)
    assert (found.known, found.found, found.compared, found.missing) == (True, False, (B, C), ())
    assert (found.primary_alias, found.settling, found.vtorc_alone, vt.paused) == (A, False, False, 0.0)


def test_one_at_both_looks():
    vt = healthy(calls={f"GetFullStatus {B}": WITH_ONE}, pages={"vtorc /api/errant-gtids": [VTORC]}, under=primary())
    found = errant_gtids(vt)
    assert found.tablets == (ErrantTablet(B, "REPLICA", f"{REPLICA_UUID}:1", 1, True),)
    assert (found.found, found.transactions, found.by_vtorc, found.vtorc_alone, found.passed) == (
        True,
        1,
        (B,),
        False,
        0,
    )
    assert vt.paused == 1.0


def test_the_replicas_are_read_before_the_primary():
    order: list[str] = []

    class Noted(Primary):
        def rows(self, sql: str, params: Any = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
            order.append("primary")
            return super().rows(sql, params)

    class Noting(RecordedVitess):
        def rpcs(self, name: str, requests: Any) -> Any:
            order.append("replicas")
            return super().rpcs(name, requests)

    errant_gtids(healthy(reader=Noting, under={A: Noted(MYSQL_97, {})}))
    assert order[0] == "replicas"
    assert set(order[1:]) == {"primary"}


def test_what_passes_between_the_two_looks_is_not_told():
    class Passing(RecordedVitess):
        def pause(self, seconds: float) -> None:
            self.calls[f"GetFullStatus {B}"] = of_replica()

    found = errant_gtids(healthy(reader=Passing, calls={f"GetFullStatus {B}": WITH_ONE}, under=primary()))
    assert (found.tablets, found.passed) == ((), 1)


def test_one_that_cannot_be_read_again_is_told_as_it_was():
    class Dying(RecordedVitess):
        def pause(self, seconds: float) -> None:
            self.pages.update(down(B, SILENT))

    found = errant_gtids(healthy(reader=Dying, calls={f"GetFullStatus {B}": WITH_ONE}, under=primary()))
    assert [(each.alias, each.transactions) for each in found.tablets] == [(B, 1)]


def test_a_moment_after_a_failover_it_may_pass_by_itself():
    calls = {"GetShard": shard_record(primary_term_start_time={"seconds": str(int(NO_FAILOVER) - 29)})}
    assert errant_gtids(healthy(calls=calls, under=primary())).settling
    calls = {"GetShard": shard_record(primary_term_start_time={"seconds": str(int(NO_FAILOVER) - 30)})}
    assert not errant_gtids(healthy(calls=calls, under=primary())).settling


def test_vtorc_alone_is_not_believed():
    found = errant_gtids(healthy(pages={"vtorc /api/errant-gtids": [VTORC]}, under=primary()))
    assert (found.found, found.by_vtorc, found.vtorc_alone) == (False, (B,), True)


def test_where_the_replica_could_not_be_compared_vtorc_is_not_alone():
    vt = healthy(calls={f"GetFullStatus {B}": NO_MYSQLD}, pages={"vtorc /api/errant-gtids": [VTORC]}, under=primary())
    found = errant_gtids(vt)
    assert (found.compared, found.vtorc_alone) == ((C,), False)
    assert f"of {B} is unknown: the MySQL beneath {B} cannot be reached" in found.missing[0]


def test_without_the_primarys_mysql_there_is_only_vtorcs_word():
    vt = healthy(calls={f"GetFullStatus {B}": WITH_ONE}, pages={"vtorc /api/errant-gtids": [VTORC]}, under={})
    found = errant_gtids(vt)
    assert (found.known, found.tablets, found.compared, found.by_vtorc) == (False, (), (), (B,))
    assert "The primary's MySQL server could not be read" in found.missing[0]


def test_a_tablet_under_a_dead_vttablet_is_asked_past_it():
    row = {"server": REPLICA_UUID, "executed": f"{PRIMARY_UUID}:1-382,\n{REPLICA_UUID}:1-2", "purged": ""}
    under = {**primary(), B: tablet_mysql(gtid_executed=[row])}
    found = errant_gtids(healthy(pages=down(B), under=under))
    assert found.tablets == (ErrantTablet(B, "REPLICA", f"{REPLICA_UUID}:1-2", 2, True),)


def test_a_transaction_of_a_former_primary_is_not_the_tablets_own():
    other = of_replica(replication={"position": f"MySQL56/{PRIMARY_UUID}:1-382,63000000-e939-11f1-8a16-02fc00000001:9"})
    found = errant_gtids(healthy(calls={f"GetFullStatus {C}": other}, under=primary()))
    assert [(each.alias, each.own) for each in found.tablets] == [(C, False)]


def test_vtorcs_tablets_of_other_shards_are_left_out_and_one_away_is_missing():
    pages = {"vtorc /api/errant-gtids": [[{"InstanceAlias": "zone1-0000000104"}], Unreadable("it is away")]}
    found = errant_gtids(healthy(pages=pages, under=primary()))
    assert (found.by_vtorc, len(found.missing)) == ((), 1)
    assert "it is away" in found.missing[0]


def test_without_a_primary_or_the_topology():
    found = errant_gtids(healthy(calls={"GetShard": shard_record(primary_alias=None)}, under=primary()))
    assert (found.known, found.primary_alias) == (False, "")
    with pytest.raises(Unreadable):
        errant_gtids(healthy(calls={"GetShard": TOPOLOGY_AWAY}))


def test_a_set_that_is_too_long_is_not_cut_but_left_out():
    long = ",".join(f"{PRIMARY_UUID[:-4]}{number:04x}:1-9" for number in range(1700))
    told = of_replica(replication={"position": f"MySQL56/{long}"})
    found = errant_gtids(healthy(calls={f"GetFullStatus {B}": told}, under=primary()))
    assert found.compared == (C,)
    assert "characters" in found.missing[0]


def test_the_age_of_a_term_is_not_below_zero(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    found = errant_gtids(healthy(under=primary()))
    assert found.primary_age == 0.0
    assert replace(found, primary_age=None).settling is False


@pytest.mark.vitess
def test_a_real_errant_transaction(hands):
    primary = hands.primary()
    replica = next(each for each in hands.vitess.tablets if each.shard == "-80" and each.alias != primary)
    instance = hands.lab.instance(replica.alias)
    assert not hands.ask(errant_gtids).found
    with administrator(instance) as admin:
        uuid = ask(admin, "SELECT @@GLOBAL.server_uuid AS uuid")[0]["uuid"]
        ask(admin, "SET GLOBAL super_read_only = OFF")
        ask(admin, "CREATE DATABASE errant")
        ask(admin, "SET GLOBAL super_read_only = ON")
    try:
        found = hands.ask(errant_gtids)
        wait_until("VTOrc has seen it, too", lambda: replica.alias in hands.ask(errant_gtids).by_vtorc, 30)
    finally:
        mend(hands, replica, uuid)
    assert [(each.alias, each.own, each.transactions) for each in found.tablets] == [(replica.alias, True, 1)]
    assert found.tablets[0].gtids.startswith(uuid)
    assert not hands.ask(errant_gtids).found


def mend(hands, replica, uuid: str) -> None:
    """Takes the database away where it is, and gives the primary an empty transaction in its place."""
    with administrator(hands.lab.instance(replica.alias)) as admin:
        ask(admin, "SET GLOBAL super_read_only = OFF")
        ask(admin, "SET SESSION sql_log_bin = 0")
        ask(admin, "DROP DATABASE IF EXISTS errant")
        ask(admin, "SET GLOBAL super_read_only = ON")
        own = ask(admin, "SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '') AS own")[0]["own"].replace("\n", "")
    last = max(int(part.rpartition(":")[2].rpartition("-")[2]) for part in own.split(",") if part.startswith(uuid))
    with administrator(hands.lab.instance(hands.primary())) as admin:
        for number in range(1, last + 1):
            ask(admin, "SET gtid_next = %s", (f"{uuid}:{number}",))
            ask(admin, "BEGIN")
            ask(admin, "COMMIT")
        ask(admin, "SET gtid_next = 'AUTOMATIC'")
