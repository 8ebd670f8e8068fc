"""A primary that serves no more by its record serves again, unless a Reshard wants it so."""

from __future__ import annotations

import pytest

from actions.remediations.vitess.set_primary_serving import SetPrimaryServing, overlap
from tests.vitess_shard import made, record, refusal, shard, workflow

SERVING = SetPrimaryServing()
OFF = {"GetShard": record(is_primary_serving=False)}


def shards(**serving: bool):
    return {
        "FindAllShardsInKeyspace": {"shards": {n: {"shard": {"is_primary_serving": s}} for n, s in serving.items()}}
    }


def test_it_is_said_again_and_the_graph_rebuilt():
    vt = shard({**OFF, **shards(**{"-80": False, "80-": True})})
    SERVING.check(vt)
    assert made(SERVING.change(vt)) == [
        'SetShardIsPrimaryServing {"is_serving":true,"keyspace":"commerce","shard":"-80"}',
        'RebuildKeyspaceGraph {"keyspace":"commerce"}',
    ]
    assert made(SERVING.undo(vt)) == [
        'SetShardIsPrimaryServing {"is_serving":false,"keyspace":"commerce","shard":"-80"}'
    ]
    assert "serving graph of commerce is rebuilt in" in SERVING.cost(vt)
    assert not SERVING.verify(vt).ok
    assert SERVING.verify(shard()).ok


def test_one_that_serves_and_one_that_a_workflow_switched_off_are_refused():
    assert "already says that its primary serves." in refusal(SERVING, shard())
    says = refusal(SERVING, shard({**OFF, "GetWorkflows": workflow("Reshard", source="commerce")}))
    assert "Reshard move from commerce to commerce is under way" in says


def test_a_range_that_another_shard_serves_is_refused():
    says = refusal(SERVING, shard({**OFF, **shards(**{"-80": False, "-40": True, "40-80": True, "80-": True})}))
    assert "commerce/-40 serves a part of the key" in says


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("-80", "80-", False),
        ("-80", "40-c0", True),
        ("-80", "-40", True),
        ("-", "80-", True),
        ("0", "80-", True),
        ("40-80", "80-c0", False),
        ("-8000", "80-", False),
        ("80-8080", "8040-", True),
        ("c0-", "-C0", False),
    ],
)
def test_ranges_overlap_as_fractions_do(one, other, common):
    assert overlap(one, other) is common
    assert overlap(other, one) is common
