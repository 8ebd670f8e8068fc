"""The inventory of a cluster: its shards and tablets by every name, kept fresh, and doubted when it is old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.config import Role, VitessCluster
from bot.errors import UnknownTarget, Unreachable
from bot.fleet.instance_lookup import Inventory
from bot.fleet.vitess.clusters import Clusters
from bot.fleet.vitess.topology import Topology, arranged, read, record_of
from tests.recorded_vitess import THREE, tablet
from tests.vitess_samples import CLUSTER

SHARDS = arranged(CLUSTER, [*THREE, tablet(103, "PRIMARY", "80-"), tablet(104, shard="80-")])
INVENTORY = Inventory(SHARDS, Clusters([CLUSTER]).components())
RECORD = {
    "alias": {"cell": "zone1", "uid": 100},
    "hostname": "db100",
    "port_map": {"vt": 15100, "grpc": 16100},
    "keyspace": "commerce",
    "shard": "-80",
    "type": "PRIMARY",
    "mysql_hostname": "mysql100",
    "mysql_port": 17100,
    "primary_term_start_time": {"seconds": "1772334000", "nanoseconds": 500000000},
}


class Answers:
    """Stands where vtctld stands: an answer for each look, the last one for all that follow."""

    address = "vtctld:15999"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def call(self, name: str, request: Mapping[str, Any], *, timeout: float) -> dict[str, Any]:
        assert name == "GetTablets"
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found

    def close(self) -> None:
        """Nothing is open."""


def test_a_tablet_out_of_its_record():
    found = record_of(RECORD)
    assert (found.alias, found.mysql_hostname, found.mysql_port) == ("zone1-0000000100", "mysql100", 17100)
    assert found.primary_since == 1772334000.5


def test_a_record_that_says_little_is_a_tablet_all_the_same():
    found = record_of({"alias": {"cell": "zone1"}, "hostname": "db"})
    assert (found.alias, found.type, found.mysql_hostname) == ("zone1-0000000000", "UNKNOWN", "db")


def test_of_two_primaries_the_one_of_the_newest_term_counts():
    both = [tablet(100, "PRIMARY", since=100.0), tablet(101, "PRIMARY", since=200.0)]
    roles = {each.name: each.role for each in arranged(CLUSTER, both)[0].instances}
    assert roles == {"zone1-0000000100": Role.REPLICA, "zone1-0000000101": Role.PRIMARY}


def test_keyspaces_that_are_not_asked_for_are_left_out():
    other = replace(THREE[0], keyspace="sandbox")
    vtctld: Any = Answers({"tablets": [RECORD, {**RECORD, "keyspace": other.keyspace}]})
    assert [each.keyspace for each in read(vtctld, ["comm*"])] == ["commerce"]


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("commerce/-80", 100),
        ("commerce/-80@primary", 100),
        ("commerce/-80@replica", 101),
        ("zone1-0000000102", 102),
        ("zone1-102", 102),
        ("127.0.0.1:17102", 102),  # its MySQL
        ("127.0.0.1:15102", 102),  # its vttablet
        ("127.0.0.1:16102", 102),  # the gRPC of it
        ("commerce/80-", 103),
    ],
)
def test_people_name_tablets_and_shards_in_many_ways(name: str, means: int):
    assert INVENTORY.find(name).name == f"zone1-{means:010d}"


def test_a_shard_that_is_not_there_is_told_with_the_nearest():
    with pytest.raises(UnknownTarget, match=r"Did you mean .*commerce/80-"):
        INVENTORY.find("commerce/80")


@pytest.mark.parametrize(
    ("labels", "means"),
    [
        ({"instance": "127.0.0.1:16000", "tablet_alias": "zone1-0000000102", "keyspace": "commerce"}, 102),  # VTOrc
        ({"instance": "127.0.0.1:15101", "keyspace": "commerce", "shard": "-80"}, 101),  # vttablet
        ({"instance": "127.0.0.1:17101", "job": "mysql"}, 101),  # mysqld_exporter
        ({"instance": "127.0.0.1:15001", "keyspace": "commerce", "shard_name": "80-"}, 103),  # vtgate
        ({"instance": "127.0.0.1:16000", "keyspace": "commerce", "shard": "80-"}, 103),  # VTOrc, of a shard
        ({"keyspace": "commerce", "shard": "-80"}, 100),
        ({"keyspace": "commerce"}, 100),  # of a keyspace: its first shard
        ({"instance": "127.0.0.1:15001"}, 100),  # a vtgate alone: the first shard of its cluster
        ({"keyspace": "commerce", "shard": "80-", "tablet": "104"}, 104),  # a uid
        ({"alias": "zone1-104"}, 104),
        ({"cluster": "lab", "keyspace": "commerce", "shard": "-80"}, 100),
    ],
)
def test_the_labels_of_alerts_find_the_tablet_or_the_shard(labels: dict[str, str], means: int):
    found = INVENTORY.find_by_labels(labels)
    assert found is not None
    assert found.name == f"zone1-{means:010d}"


@pytest.mark.parametrize(
    "labels",
    [{"keyspace": "orders", "shard": "-80"}, {"shard": "-80"}, {"instance": "10.0.0.1:9100"}, {"cluster": "lab"}],
)
def test_labels_that_name_no_shard_find_none(labels: dict[str, str]):
    assert INVENTORY.find_by_labels(labels) is None


def test_clusters_side_by_side_keep_their_shards_apart():
    east = VitessCluster.model_validate({**CLUSTER.model_dump(), "name": "east", "vtorcs": ["http://127.0.0.1:16001"]})
    shards = (
        *arranged(CLUSTER, THREE, "lab:"),
        *arranged(east, [replace(t, web_port=0, grpc_port=0) for t in THREE], "east:"),
    )
    found = Inventory(shards, {"127.0.0.1:16001": "east"})
    assert found.find("east:commerce/-80").shard.name == "east:commerce/-80"
    there = found.find_by_labels({"keyspace": "commerce", "shard": "-80", "cluster": "east"})
    assert there is not None
    assert there.name == "east:zone1-0000000100"
    by_vtorc = found.find_by_labels({"keyspace": "commerce", "shard": "-80", "instance": "127.0.0.1:16001"})
    assert by_vtorc is not None
    assert by_vtorc.name == "east:zone1-0000000100"
    assert found.find_by_labels({"keyspace": "commerce", "shard": "-80"}) is None


def topology(*answers: Any) -> Topology:
    vtctld: Any = Answers(*answers)
    return Topology(CLUSTER, vtctld, qualified=False)


def test_the_first_to_ask_gets_the_first_look():
    found = topology({"tablets": [RECORD]})
    assert [each.name for each in found.shards()] == ["commerce/-80"]
    assert found.doubts == ""
    found.close()


def test_a_topology_that_cannot_be_read_any_more_leaves_the_last_one_and_is_doubted(monkeypatch):
    found = topology({"tablets": [RECORD]}, Unreachable("vtctld at vtctld:15999 does not answer."))
    found.refresh()
    now = found._read_at
    assert now is not None
    monkeypatch.setattr("bot.fleet.vitess.topology.time.monotonic", lambda: now + 60.0)
    with pytest.raises(Unreachable):
        found.refresh()
    assert [each.name for each in found._shards] == ["commerce/-80"]
    assert "was last read 60 s ago (vtctld at vtctld:15999 does not answer)" in found.doubts
    assert "changes nothing in the cluster" in found.doubts


def test_a_topology_that_was_never_read_is_empty_and_doubted():
    found = topology(Unreachable("vtctld at vtctld:15999 does not answer."))
    assert found.shards() == ()
    assert "has never been read" in found.doubts
    found.close()


def test_what_did_not_change_is_the_same_inventory():
    found = topology({"tablets": [RECORD]}, {"tablets": [dict(RECORD)]}, {"tablets": [{**RECORD, "type": "DRAINED"}]})
    found.refresh()
    first = found._shards
    found.refresh()
    assert found._shards is first
    found.refresh()
    assert found._shards is not first
