"""A remedy is made on the tablet that the evidence names, and on no other."""

from __future__ import annotations

import pytest

from actions.diagnostics.vitess.replication import Replication
from actions.vitess_tablet_replication import Replica
from bot.engine.run_factory import first_look
from bot.engine.target_selection import places
from bot.engine.targets import Target
from bot.errors import UnknownTarget
from bot.fleet.vitess.topology import arranged
from bot.runbook.diagnosis.remedies import remedy_location
from bot.runbook.expressions.evaluation import EvidenceMissing, Missing
from bot.runbook.language.remedy_schema import Remedy
from bot.runbook.language.schema_base import Selector
from tests.engine.servers import shard_of
from tests.recorded_vitess import THREE, tablet
from tests.vitess_samples import CLUSTER

SHARDS = arranged(CLUSTER, [*THREE, tablet(103, "PRIMARY", "80-"), tablet(104, shard="80-")], "east:")
INVENTORY = [Target(instance, shard) for shard in SHARDS for instance in shard.instances]
PRIMARY = INVENTORY[0]
START = Remedy.model_validate(
    {"use": "vitess.start_replication", "on": {"tablet": "{{ replication.stopped[0].alias }}"}}
)


def stopped(alias: str) -> dict[str, object]:
    replica = Replica(alias=alias, configured=True, receiver="stopped", applier="stopped")
    return {"replication": Replication(replicas=(replica,))}


def test_it_is_the_tablet_of_that_alias_whatever_the_alert_was_about():
    where = remedy_location(START, stopped("zone1-0000000102"))
    assert [each.name for each in places(where, PRIMARY, INVENTORY)] == ["east:zone1-0000000102"]


def test_a_tablet_of_another_shard_is_none_of_this_one():
    where = remedy_location(START, stopped("zone1-0000000104"))
    with pytest.raises(UnknownTarget, match="No instance in the inventory matches tablet zone1-0000000104"):
        places(where, PRIMARY, INVENTORY)


def test_what_stands_there_is_no_pattern():
    with pytest.raises(UnknownTarget):
        places(remedy_location(START, stopped("zone1-*")), PRIMARY, INVENTORY)


def test_without_the_evidence_there_is_no_target():
    with pytest.raises(EvidenceMissing):
        remedy_location(START, {"replication": Missing("replication", "timed out")})


def test_a_server_is_no_tablet():
    shard = shard_of("orders", 1)
    servers = [Target(instance, shard) for instance in shard.instances]
    with pytest.raises(UnknownTarget):
        places(Selector(tablet="orders-1"), servers[0], servers)


def test_a_tablet_has_a_first_look_of_its_own():
    shard = shard_of("orders", 1)
    assert first_look(PRIMARY) == "vitess/first-look"
    assert first_look(Target(shard.instances[0], shard)) == "mysql/first-look"
