"""Remediations of a shard on a real cluster: each good case, its verification, and its undo where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actions.catalog import REMEDIATIONS
from actions.contract import Refused, Statement, Verification
from actions.vitess_contract import Component, Vitess, alias_record, call
from actions.vitess_records import primary_alias
from actions.vitess_shard_members import shard_members
from bot.config import load
from bot.engine.change_executor import Verifier
from bot.fleet.configured_fleet import ConfiguredFleet
from bot.lab.lab_state import LabState
from bot.lab.waiting import wait_until

pytestmark = pytest.mark.vitess
REPLICAS = ("zone1-0000000100", "zone1-0000000101", "zone1-0000000102")


class Cluster:
    """The cluster, read and changed as Firstmate does."""

    def __init__(self, lab: LabState) -> None:
        self.fleet = ConfiguredFleet(load(lab.folder / "firstmate.yml"))

    @contextmanager
    def reader(self, alias: str) -> Iterator[Any]:
        target = self.fleet.find(alias)
        with self.fleet.read(target.shard, target.instance, Vitess) as vt:
            yield vt

    def execute(self, alias: str, *statements: Statement) -> None:
        target = self.fleet.find(alias)
        with self.fleet.change(target.shard, target.instance, Vitess) as changer:
            for each in statements:
                changer.execute(each, tag="r-test")

    def refused(self, alias: str, use: str, **parameters: Any) -> str:
        with self.reader(alias) as vt, pytest.raises(Refused) as refused:
            REMEDIATIONS[use](**parameters).check(vt)
        return str(refused.value)

    def make(self, alias: str, use: str, **parameters: Any) -> list[Statement]:
        """Checks, makes and verifies a change; returns what undoes it."""
        action = REMEDIATIONS[use](**parameters)
        with self.reader(alias) as vt:
            action.check(vt)
            undo = list(action.undo(vt))
            statements = list(action.change(vt))
        self.execute(alias, *statements)
        verdict = self.verdict(alias, use, **parameters)
        assert verdict.ok, verdict.says
        return undo

    def verdict(self, alias: str, use: str, **parameters: Any) -> Verification:
        def read(asked: Any) -> Verification:
            with self.reader(alias) as vt:
                verdict: Verification = asked.verify(vt)
                return verdict

        return Verifier(read, pause=0.2).verify(REMEDIATIONS[use](**parameters))

    @property
    def primary(self) -> str:
        with self.reader(REPLICAS[0]) as vt:
            return primary_alias(vt)

    @property
    def replica(self) -> str:
        return next(each for each in REPLICAS if each != self.primary)

    def sound(self) -> None:
        """Waits until VTOrc sees no problem and all tablets of the shard are as they should be."""

        def is_sound() -> bool:
            with self.reader(REPLICAS[0]) as vt:
                told = vt.web(Component.VTORC, "/api/problems")
                well = [
                    each.writable if each.alias == primary_alias(vt) else each.replicates for each in shard_members(vt)
                ]
                return all(each.ok and not each.body for each in told) and all(well)

        wait_until("the shard is sound", is_sound, 40)


@pytest.fixture
def cluster(vitess_lab: LabState) -> Iterator[Cluster]:
    """The cluster in health, before and after."""
    found = Cluster(vitess_lab)
    found.sound()
    yield found
    found.sound()


def test_a_replica_is_drained_and_comes_back(cluster: Cluster):
    replica = cluster.replica
    back = cluster.make(replica, "vitess.change_tablet_type", tablet_type="DRAINED")
    other = next(each for each in REPLICAS if each not in (replica, cluster.primary))
    assert "last REPLICA" in cluster.refused(other, "vitess.change_tablet_type", tablet_type="RDONLY")
    cluster.execute(replica, *back)
    assert cluster.verdict(replica, "vitess.change_tablet_type", tablet_type="REPLICA").ok


def test_recoveries_are_disabled_and_what_vtorc_would_do_is_ours_meanwhile(cluster: Cluster):
    primary, replica = cluster.primary, cluster.replica
    assert "within seconds" in cluster.refused(replica, "vitess.start_replication")
    cluster.make(primary, "vitess.disable_recoveries", for_seconds=60)
    try:
        cluster.execute(replica, call("StopReplication", tablet_alias=alias_record(replica)))
        assert "without an error" in cluster.refused(replica, "vitess.start_replication")
        cluster.make(replica, "vitess.start_replication", stopped_by_hand_too=True)
        cluster.execute(primary, call("SetWritable", tablet_alias=alias_record(primary), writable=False))
        cluster.make(primary, "vitess.set_writable", writable=True)
        cluster.execute(replica, call("SetWritable", tablet_alias=alias_record(replica), writable=True))
        cluster.make(replica, "vitess.set_writable", writable=False)
    finally:
        cluster.make(primary, "vitess.enable_recoveries")


def test_what_the_topology_keeps_from_replicas_is_allowed_again_and_put_back(cluster: Cluster):
    primary, use = cluster.primary, "vitess.allow_queries"
    where = {"keyspace": "commerce", "shard": "-80"}
    control = call("SetShardTabletControl", **where, tablet_type="REPLICA", cells=["zone1"], disable_query_service=True)
    cluster.execute(primary, control)
    back = cluster.make(primary, use, tablet_type="REPLICA")
    cluster.execute(primary, *back)
    assert not cluster.verdict(primary, use, tablet_type="REPLICA").ok
    cluster.make(primary, use, tablet_type="REPLICA")
    assert "The topology has no denied tables" in cluster.refused(primary, use, tablet_type="REPLICA")


def test_records_that_were_left_behind_are_put_right(cluster: Cluster):
    primary, where = cluster.primary, {"keyspace": "commerce", "shard": "-80"}
    cluster.execute(primary, call("SetShardIsPrimaryServing", **where, is_serving=False))
    cluster.make(primary, "vitess.set_primary_serving")
    cluster.execute(primary, call("SetVtorcEmergencyReparent", **where, disable=True))
    cluster.make(primary, "vitess.enable_emergency_reparent")
    assert "not disabled" in cluster.refused(primary, "vitess.enable_emergency_reparent")


def test_tablets_read_their_records_and_their_tables_again(cluster: Cluster):
    cluster.make(cluster.replica, "vitess.refresh_state")
    cluster.make(cluster.primary, "vitess.refresh_state", scope="shard")
    cluster.make(cluster.replica, "vitess.reload_schema")


def test_a_primary_is_moved_and_not_again_within_a_minute(cluster: Cluster):
    before = cluster.primary
    assert "Use a planned reparent" in cluster.refused(before, "vitess.emergency_reparent")

    def a_minute_old() -> bool:
        with cluster.reader(before) as vt:
            try:
                REMEDIATIONS["vitess.planned_reparent"]().check(vt)
            except Refused as refused:
                assert "less than 60 s" in str(refused)  # noqa: PT017 - what it is refused for meanwhile
                return False
        return True

    wait_until("the primary is a minute old", a_minute_old, 70)
    cluster.make(before, "vitess.planned_reparent")
    assert cluster.primary != before
    assert "less than 60 s" in cluster.refused(cluster.primary, "vitess.planned_reparent")
