"""Emergency reparents of VTOrc are enabled again in the scope in which they were disabled."""

from __future__ import annotations

from typing import Any

from actions.remediations.vitess.enable_emergency_reparent import EnableEmergencyReparent
from tests.vitess_shard import keyspace, made, record, refusal, shard

OFF: dict[str, Any] = {"vtorc_state": {"disable_emergency_reparent": True}}
OF_SHARD, OF_KEYSPACE = EnableEmergencyReparent(), EnableEmergencyReparent("keyspace")


def test_it_is_enabled_for_the_shard_and_disabled_again():
    vt = shard({"GetShard": record(**OFF)})
    OF_SHARD.check(vt)
    assert made(OF_SHARD.change(vt)) == [
        'SetVtorcEmergencyReparent {"disable":false,"keyspace":"commerce","shard":"-80"}'
    ]
    assert made(OF_SHARD.undo(vt)) == ['SetVtorcEmergencyReparent {"disable":true,"keyspace":"commerce","shard":"-80"}']
    assert "a primary dies, and at once" in OF_SHARD.cost(vt)
    assert not OF_SHARD.verify(vt).ok
    assert OF_SHARD.verify(shard()).ok


def test_it_is_enabled_for_the_keyspace():
    vt = shard({"GetKeyspace": keyspace(**OFF)})
    OF_KEYSPACE.check(vt)
    assert made(OF_KEYSPACE.change(vt)) == ['SetVtorcEmergencyReparent {"disable":false,"keyspace":"commerce"}']
    assert "every shard of commerce" in OF_KEYSPACE.cost(vt)


def test_a_refusal_says_in_which_scope_it_is_disabled():
    assert refusal(OF_SHARD, shard({"GetKeyspace": keyspace(**OFF)})).endswith("They are disabled for the keyspace.")
    assert refusal(OF_KEYSPACE, shard({"GetShard": record(**OFF)})).endswith("They are disabled for the shard.")
    assert refusal(OF_SHARD, shard()).endswith("of commerce/-80.")


def test_an_unsharded_keyspace_has_one_scope():
    vt = shard({"GetShard": record(**OFF)})
    vt.shard = "0"
    assert "stores its switch in the keyspace" in refusal(OF_SHARD, vt)
