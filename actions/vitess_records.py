"""The topology's records of a shard and of its keyspace, and what they switch."""

from __future__ import annotations

from actions.contract import Refused
from actions.protobuf_json import Record, nested
from actions.vitess_contract import Vitess, alias_of, runbook_command


def shard_record(vt: Vitess) -> Record:
    """Returns the topology's record of the shard (topodata.Shard). Raises Unreadable."""
    return nested(vt.rpc("GetShard", keyspace=vt.keyspace, shard_name=vt.shard), "shard", "shard")


def keyspace_record(vt: Vitess) -> Record:
    """Returns the topology's record of the keyspace (topodata.Keyspace). Raises Unreadable."""
    return nested(vt.rpc("GetKeyspace", keyspace=vt.keyspace), "keyspace", "keyspace")


def throttler_settings(vt: Vitess) -> Record:
    """Returns the settings of the throttler in the keyspace's record. Raises Unreadable."""
    return nested(keyspace_record(vt), "throttler_config")


def durability_policy(keyspace: Record) -> str:
    """Returns the durability policy in a keyspace's record; `none` where it names none, as Vitess reads it."""
    return str(keyspace.get("durability_policy") or "none")


def emergency_reparent_disabled(record: Record) -> bool:
    """Whether the record of a shard or a keyspace forbids VTOrc to run EmergencyReparentShard there."""
    return bool(nested(record, "vtorc_state").get("disable_emergency_reparent"))


def primary_alias(vt: Vitess) -> str:
    """Returns the primary's alias in the shard record; raises Refused if it names none."""
    found = alias_of(shard_record(vt).get("primary_alias"))
    if not found:
        raise Refused(
            f"The shard record of {vt.address} names no primary. VTOrc elects one; if it does not, continue with "
            f"{runbook_command(vt, 'vitess/vtorc')}."
        )
    return found


def denied_tables(record: Record, tablet_type: str) -> tuple[str, ...]:
    """Returns the tables that a shard record denies to tablets of this type."""
    return tuple(
        str(table)
        for control in record.get("tablet_controls", ())
        if control.get("tablet_type") == tablet_type
        for table in control.get("denied_tables", ())
    )
