"""How replication of a shard stands, replica by replica, and whether commits are acknowledged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.diagnostics.mysql.semi_sync import SemiSync, semi_sync
from actions.diagnostics.vitess.shard_health import record_of
from actions.diagnostics.vitess.tablet_health import by_alias, full_statuses
from actions.diagnostics.vitess.tablet_replication import Replica, past_vttablet, replica_of
from actions.metrics_page import value
from actions.redaction import redact_error
from actions.vitess_contract import Answer, Component, Vitess, alias_of

REPORTED = "vttablet_replication_lag_sec"
BLOCKED = "vttablet_semi_sync_monitor_writes_blocked"
PAST = 4
"""Replicas that are asked past their vttablets, one after the other."""
NOTICEABLE: Seconds = 5.0
"""Lag from which on a vttablet that reports none is known not to look."""


@dataclass(frozen=True, slots=True)
class Replication:
    """Replication of one shard."""

    keyspace: str = ""
    shard: str = ""
    primary_alias: str = ""
    """The primary by the record of the shard."""
    primary_known: bool = False
    """Whether the primary's MySQL could be asked; what is said of it has its defaults otherwise."""
    durability: str = ""
    """The durability policy of the keyspace: none, semi_sync, cross_cell, or one of these `_with_rdonly_ack`."""
    semi_sync_enabled: bool = False
    """Whether the primary is set to wait for acknowledgements."""
    semi_sync_active: bool = False
    """Whether it does."""
    semi_sync_clients: Count = 0
    """Replicas that are connected to acknowledge."""
    wait_for: Count = 0
    """Acknowledgements that a commit waits for."""
    writes_blocked: Count = 0
    """Writes of vttablet's own that wait for an acknowledgement right now; it stops counting at 15."""
    semi_sync_blocked: bool = False
    """Whether the primary's vttablet says that commits wait in vain."""
    replicas: tuple[Replica, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence for each."""

    @property
    def semi_sync_wanted(self) -> bool:
        """Whether the durability policy wants commits to be acknowledged."""
        return self.durability.startswith(("semi_sync", "cross_cell"))

    @property
    def stopped(self) -> tuple[Replica, ...]:
        return tuple(each for each in self.replicas if each.stopped)

    @property
    def failed(self) -> tuple[Replica, ...]:
        """Replicas that an error stopped."""
        return tuple(each for each in self.replicas if each.failed)

    @property
    def stopped_by_hand(self) -> tuple[Replica, ...]:
        return tuple(each for each in self.replicas if each.stopped_by_hand)

    @property
    def unknown(self) -> tuple[Replica, ...]:
        """Replicas whose MySQL could not be asked."""
        return tuple(each for each in self.replicas if not each.known)

    @property
    def wrong_source(self) -> tuple[Replica, ...]:
        """Replicas that replicate from another server than the primary of the shard."""
        return tuple(each for each in self.replicas if each.from_primary is False)

    @property
    def writable(self) -> tuple[Replica, ...]:
        """Replicas whose MySQL takes writes."""
        return tuple(each for each in self.replicas if each.writable)

    @property
    def max_lag(self) -> Seconds | None:
        """The most seconds that a running replica is behind, its delay by configuration taken off."""
        return max((each.lag - each.delay for each in self.replicas if each.lag is not None), default=None)

    @property
    def ackers_possible(self) -> tuple[Replica, ...]:
        """Replicas that the durability policy lets acknowledge."""
        return tuple(each for each in self.replicas if each.may_acknowledge)

    @property
    def ackers(self) -> tuple[Replica, ...]:
        """Replicas that acknowledge now."""
        return tuple(each for each in self.replicas if each.acknowledges)

    @property
    def blocked(self) -> bool:
        """Whether writes wait: commits must be acknowledged, and there are fewer replicas to do it than must."""
        return self.semi_sync_blocked or (
            self.primary_known and self.semi_sync_enabled and self.semi_sync_clients < self.wait_for
        )

    @property
    def lag_not_reported(self) -> tuple[Replica, ...]:
        """Replicas that are behind and whose vttablet reports no lag: vtgates go on sending reads to them."""
        return tuple(
            each
            for each in self.replicas
            if each.lag is not None
            and each.lag >= NOTICEABLE
            and each.reported_lag is not None
            and not each.reported_lag
        )


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.VITESS: ("GetTablets", "GetShard", "GetKeyspace", "GetFullStatus", "vttablet /metrics"),
        Flavour.MYSQL: ("REPLICATION CLIENT", "SELECT ON performance_schema.*"),
    },
)
def replication(vt: Vitess) -> Replication:
    """Reads the status of each tablet's MySQL through its vttablet, and past it where that gives no answer.

    SHOW VITESS_REPLICATION_STATUS is not asked: vtgate fills its rows from a replica of its choice. The lag is that of
    MySQL; a vttablet without --enable-replication-reporter or heartbeats reports 0 at all times.
    """
    tablets = vt.tablets()[:200]
    missing: list[str] = []
    primary_alias, durability = _records(vt, missing)
    primary = next((each for each in tablets if each.alias == primary_alias), None)
    counted = by_alias(tablets, vt.metrics(Component.VTTABLET, REPORTED, BLOCKED))
    told = full_statuses(vt, tablets, counted)
    replicas, asked_past = [], 0
    for each in tablets:
        if each.alias == primary_alias:
            continue
        found = replica_of(each, told[each.alias], primary, durability)
        if (not found.known or found.failed) and asked_past < PAST:
            asked_past += 1
            found = past_vttablet(vt, each, found, primary)
        if not found.known:
            missing.append(f"How {each.alias} replicates is not known: {redact_error(told[each.alias].error)}")
        replicas.append(replace(found, reported_lag=value(counted[each.alias].body or (), REPORTED)))
    of_primary = _of_primary(vt, primary_alias, told.get(primary_alias), missing)
    blocked = value(counted[primary_alias].body or (), BLOCKED) if primary_alias in counted else None
    return Replication(
        keyspace=vt.keyspace,
        shard=vt.shard,
        primary_alias=primary_alias,
        durability=durability,
        writes_blocked=int(blocked or 0),
        **of_primary,
        replicas=tuple(replicas),
        missing=tuple(missing),
    )


def _records(vt: Vitess, missing: list[str]) -> tuple[str, str]:
    """The primary by the record of the shard, and the durability policy by that of the keyspace."""
    primary, durability = "", ""
    try:
        primary = alias_of(record_of(vt).get("primary_alias"))
        keyspace = vt.rpc("GetKeyspace", keyspace=vt.keyspace)["keyspace"]["keyspace"]
        durability = str(keyspace.get("durability_policy", "none"))
    except Unreadable as error:
        missing.append(f"The records of the keyspace and the shard could not be read: {error}")
    return primary, durability


def _of_primary(vt: Vitess, alias: str, answer: Answer | None, missing: list[str]) -> dict[str, Any]:
    """Semi-sync on the primary's side, through its vttablet, or past it where that does not answer."""
    if answer is None:
        missing.append(
            "The record of the shard names no primary that the topology has, so nothing is known of its part."
        )
        return {}
    status = answer.body.get("status", {}) if answer.ok else {}
    if status and not status.get("disk_stalled"):
        return {
            "primary_known": True,
            "semi_sync_enabled": bool(status.get("semi_sync_primary_enabled")),
            "semi_sync_active": bool(status.get("semi_sync_primary_status")),
            "semi_sync_clients": int(status.get("semi_sync_primary_clients", 0)),
            "wait_for": int(status.get("semi_sync_wait_for_replica_count", 0)),
            "semi_sync_blocked": bool(status.get("semi_sync_blocked")),
        }
    try:
        past: SemiSync = semi_sync(vt.beneath(alias))
    except Unreadable as error:
        missing.append(f"The primary's part is not known: {redact_error(answer.error or str(error))}")
        return {}
    return {
        "primary_known": True,
        "semi_sync_enabled": past.enabled,
        "semi_sync_active": past.active,
        "semi_sync_clients": past.clients,
        "wait_for": past.wait_for,
    }
