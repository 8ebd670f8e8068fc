"""What the topology keeps from tablets is taken away again, unless a workflow put it there."""

from __future__ import annotations

from actions.remediations.vitess.allow_queries import AllowQueries
from tests.vitess_shard import made, record, refusal, shard, workflow

DENIED = {"GetShard": record(tablet_controls=[{"tablet_type": "PRIMARY", "denied_tables": ["customer"]}])}
EMPTY = {"GetSrvKeyspaces": {"srv_keyspaces": {"zone1": {"partitions": [{"served_type": "REPLICA"}]}}}}
REFRESH = 'RefreshStateByShard {"keyspace":"commerce","shard":"-80"}'


def disabled(shard_name: str = "-80"):
    control = {"name": shard_name, "key_range": {"end": "gA=="}, "query_service_disabled": True}
    partition = {"served_type": "REPLICA", "shard_tablet_controls": [control]}
    return {
        "GetShard": record(tablet_controls=[{"tablet_type": "REPLICA", "cells": ["zone1"]}]),
        "GetSrvKeyspaces": {"srv_keyspaces": {"zone1": {"partitions": [partition]}, "zone2": {"partitions": []}}},
    }


def test_denied_tables_are_removed_and_put_back():
    vt, allow = shard(EMPTY | DENIED), AllowQueries()
    allow.check(vt)
    where = '"keyspace":"commerce",{}"shard":"-80","tablet_type":"PRIMARY"}}'
    remove = 'SetShardTabletControl {"denied_tables":["customer"],' + where.format('"remove":true,')
    deny = 'SetShardTabletControl {"denied_tables":["customer"],' + where.format("")
    assert made(allow.change(vt)) == [remove, REFRESH]
    assert made(allow.undo(vt)) == [deny, REFRESH]
    assert "PRIMARY tablets of commerce/-80 serve queries of customer again." in allow.cost(vt)
    assert not allow.verify(vt).ok
    assert allow.verify(shard(EMPTY)).ok


def test_a_query_service_is_enabled_in_its_cells_and_disabled_again():
    vt, allow = shard(disabled()), AllowQueries("REPLICA")
    allow.check(vt)
    enable, refresh = made(allow.change(vt))
    assert enable.startswith('SetShardTabletControl {"cells":["zone1"],"disable_query_service":false')
    assert refresh == REFRESH
    assert '"disable_query_service":true' in made(allow.undo(vt))[0]
    assert not allow.verify(vt).ok


def test_nothing_is_kept_from_other_types_and_shards():
    assert "no disabled query service for PRIMARY tablets" in refusal(AllowQueries(), shard(disabled()))
    assert "no disabled query service for REPLICA tablets" in refusal(AllowQueries("REPLICA"), shard(disabled("80-")))


def test_a_workflow_explains_it():
    moving = workflow(source="commerce")
    moving["workflows"][0]["target"]["keyspace"] = "customer"
    says = refusal(AllowQueries(), shard({**EMPTY, **DENIED, "GetWorkflows": moving}))
    assert "MoveTables move from commerce to customer is under way" in says
    unconcerned = workflow(kind="Materialize")
    AllowQueries().check(shard({**EMPTY, **DENIED, "GetWorkflows": unconcerned}))


def test_what_is_frozen_stays():
    control = {"tablet_type": "PRIMARY", "denied_tables": ["customer"], "frozen": True}
    says = refusal(AllowQueries(), shard({**EMPTY, "GetShard": record(tablet_controls=[control])}))
    assert "must not serve it" in says
