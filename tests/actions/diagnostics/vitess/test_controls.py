"""vitess.controls: what is switched off, and whether a workflow explains it."""

from __future__ import annotations

from typing import Any

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.controls import (
    DeniedTables,
    DisabledService,
    OutOfService,
    QueryRule,
    ShardWorkflow,
    controls,
)
from bot.lab.waiting import wait_until
from tests.actions.diagnostics.vitess.recordings import (
    REFUSED,
    RULES,
    TOPOLOGY_AWAY,
    A,
    B,
    C,
    healthy,
    keyspace_record,
    routing,
    shard_record,
    typed,
)

DENIED = [{"tablet_type": "REPLICA", "denied_tables": ["orders"], "cells": ["zone1"]}]


def workflow(type_: str = "MoveTables", shard: str = "-80", **stream: Any) -> dict[str, Any]:
    """One of GetWorkflows."""
    return {
        "name": "move1",
        "source": {"keyspace": "legacy", "shards": ["0"]},
        "target": {"keyspace": "commerce", "shards": [shard]},
        "workflow_type": type_,
        "shard_streams": {f"{shard}/{A}": {"streams": [{"id": "1", "state": "Running", **stream}]}},
    }


def test_a_shard_in_health_has_none():
    found = controls(healthy())
    assert (found.any, found.left_behind, found.primary_serving, found.workflows_known) == (False, False, True, True)
    assert (found.denied, found.denied_on, found.disabled, found.unserved, found.rules) == ((), (), (), (), ())
    assert (found.out_of_service, found.rdonly, found.workflows, found.missing) == ((), 0, (), ())
    assert (found.durability, found.keyspace_type, found.emergency_reparent_disabled) == ("semi_sync", "NORMAL", False)


def test_denied_tables_that_no_workflow_explains_are_left_behind():
    found = controls(healthy(calls={"GetShard": shard_record(tablet_controls=DENIED)}))
    assert found.denied == (DeniedTables("REPLICA", ("orders",), ("zone1",)),)
    assert (found.any, found.left_behind, found.explained, found.denied_on) == (True, True, False, ())


def test_a_vttablet_that_denies_tables_still_after_the_record_was_mended():
    rules = {"DenyListQueryRules": [{"Description": "enforce denied tables", "TableNames": ["orders"]}]}
    found = controls(healthy(pages={f"vttablet {B} /debug/query_rules": rules}))
    assert (found.denied, found.denied_on, found.rules, found.any, found.left_behind) == ((), (B,), (), True, True)


def test_a_workflow_under_way_explains_them():
    calls = {"GetShard": shard_record(tablet_controls=DENIED), "GetWorkflows": {"workflows": [workflow()]}}
    found = controls(healthy(calls=calls))
    assert found.workflows == (ShardWorkflow("move1", "commerce", "MoveTables", "legacy/0", ("Running",), False),)
    assert (found.any, found.explained, found.left_behind) == (True, True, False)


@pytest.mark.parametrize(
    "other", [workflow("Materialize"), workflow(shard="80-")], ids=["another type", "another shard"]
)
def test_a_workflow_that_has_nothing_to_do_with_it_explains_nothing(other: dict[str, Any]):
    calls = {"GetShard": shard_record(tablet_controls=DENIED), "GetWorkflows": {"workflows": [other]}}
    assert controls(healthy(calls=calls)).left_behind


def test_while_traffic_is_switched_nothing_is_left_behind():
    frozen = [{**DENIED[0], "frozen": True, "allow_reads": True}]
    found = controls(healthy(calls={"GetShard": shard_record(tablet_controls=frozen)}))
    assert (found.denied[0].frozen, found.denied[0].allow_reads, found.left_behind) == (True, True, False)


def test_a_switched_workflow_waits_to_be_completed():
    calls = {"GetWorkflows": {"workflows": [workflow(message="FROZEN", state="Stopped")]}}
    found = controls(healthy(calls=calls))
    assert (found.workflows[0].frozen, found.workflows[0].states) == (True, ("Stopped",))


def test_where_the_workflows_are_not_known_nothing_is_called_left_behind():
    calls = {"GetShard": shard_record(tablet_controls=DENIED), "GetWorkflows": Unreadable("no answer within 2 s")}
    found = controls(healthy(calls=calls))
    assert (found.any, found.workflows_known, found.left_behind) == (True, False, False)
    assert "Whether a workflow explains this is unknown: no answer within 2 s" in found.missing[0]


def test_a_query_service_that_is_off_by_cell_and_type():
    found = controls(healthy(calls={"GetSrvKeyspaces": routing(query_service_disabled=True)}))
    assert (found.disabled, found.left_behind) == ((DisabledService("zone1", "REPLICA"),), True)


def test_a_shard_that_a_cell_does_not_route_to():
    parts = [{"served_type": "PRIMARY", "shard_references": [{"name": "80-"}]}]
    calls: dict[str, Any] = {"GetSrvKeyspaces": {"srv_keyspaces": {"zone2": {"partitions": parts}}}}
    assert controls(healthy(calls=calls)).unserved == (DisabledService("zone2", "PRIMARY"),)
    calls["GetShard"] = shard_record(is_primary_serving=None)
    found = controls(healthy(calls=calls))
    assert (found.unserved, found.primary_serving, found.left_behind) == ((), False, True)


def test_query_rules_of_the_vttablets():
    rules = {
        **RULES,
        "FILE_QUERY_RULES": [{"Name": "r1", "Query": ".*secret.*", "Action": "FAIL", "TableNames": ["t"]}],
    }
    found = controls(healthy(pages={f"vttablet {B} /debug/query_rules": rules}))
    assert found.rules == (QueryRule(B, "FILE_QUERY_RULES", "r1", "FAIL", ("t",)),)
    assert (found.any, found.left_behind) == (True, False)


def test_a_vttablet_that_does_not_tell_its_rules_is_missing():
    pages = {f"vttablet {B} /debug/query_rules": REFUSED, f"vttablet {C} /debug/query_rules": "<html>"}
    found = controls(healthy(pages=pages))
    assert [sentence.partition(" could")[0] for sentence in found.missing] == [
        f"The query rules of {B}",
        f"The query rules of {C}",
    ]


def test_tablets_of_types_that_serve_nobody():
    found = controls(healthy(tablets=typed("DRAINED", 102)))
    assert (found.out_of_service, found.drained, found.backing_up) == (
        (OutOfService(C, "DRAINED"),),
        (OutOfService(C, "DRAINED"),),
        (),
    )
    assert controls(healthy(tablets=typed("BACKUP", 101))).backing_up == (OutOfService(B, "BACKUP"),)
    rdonly = controls(healthy(tablets=typed("RDONLY", 101)))
    assert (rdonly.rdonly, rdonly.out_of_service) == (1, ())


@pytest.mark.parametrize("which", ["GetShard", "GetKeyspace"])
def test_emergency_reparents_may_be_off_for_the_shard_or_the_whole_keyspace(which: str):
    off = {"disable_emergency_reparent": True}
    answer = shard_record(vtorc_state=off) if which == "GetShard" else keyspace_record(vtorc_state=off)
    assert controls(healthy(calls={which: answer})).emergency_reparent_disabled


def test_the_records_that_are_away_are_missing_and_that_of_the_shard_must_be_there():
    away = Unreadable("vtctld did not answer within 2 s.")
    found = controls(healthy(calls={"GetKeyspace": away, "GetSrvKeyspaces": away}))
    assert (found.durability, found.disabled, len(found.missing)) == ("", (), 2)
    with pytest.raises(Unreadable):
        controls(healthy(calls={"GetShard": TOPOLOGY_AWAY}))


@pytest.mark.vitess
def test_real_denied_tables(hands, replica):
    assert not hands.ask(controls).any
    asked = {"keyspace": "commerce", "shard": "-80", "tablet_type": "REPLICA", "denied_tables": ["orders"]}
    hands.call("SetShardTabletControl", **asked)
    try:
        left = hands.ask(controls)
        hands.call("RefreshStateByShard", keyspace="commerce", shard="-80")
        wait_until("the vttablets deny them", lambda: len(hands.ask(controls).denied_on) == 2, 20)
    finally:
        hands.call("SetShardTabletControl", remove=True, **asked)
        hands.call("RefreshStateByShard", keyspace="commerce", shard="-80")
    assert left.denied == (DeniedTables("REPLICA", ("orders",)),)
    assert (left.left_behind, left.workflows_known) == (True, True)
    wait_until("nothing is denied any more", lambda: not hands.ask(controls).any, 20)
