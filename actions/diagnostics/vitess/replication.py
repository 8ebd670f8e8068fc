"""The replication of a shard, replica by replica, and whether commits are acknowledged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.diagnostics.mysql.semi_sync import SemiSync, semi_sync
from actions.scraped_metrics import value
from actions.statement_redaction import redact_error
from actions.vitess_contract import Component, ComponentAnswer, Vitess, alias_of
from actions.vitess_records import durability_policy, keyspace_record, shard_record
from actions.vitess_tablet_health import answers_by_alias, full_statuses
from actions.vitess_tablet_replication import Replica, replica_from_mysql, replica_from_status

REPORTED = "vttablet_replication_lag_sec"
BLOCKED = "vttablet_semi_sync_monitor_writes_blocked"
PAST = 4
"""Replicas whose MySQL servers are read without their vttablets, one after another."""
NOTICEABLE: Seconds = 5.0
"""Lag from which a vttablet that reports 0 is known not to measure it."""


@dataclass(frozen=True, slots=True)
class Replication:
    """The replication of one shard."""

    keyspace: str = ""
    shard: str = ""
    primary_alias: str = ""
    """The primary in the shard record."""
    primary_known: bool = False
    """Whether the primary's MySQL server could be read; if not, the semi-sync fields have their defaults."""
    durability: str = ""
    """The durability policy of the keyspace: none, semi_sync, cross_cell, or one of these with `_with_rdonly_ack`."""
    semi_sync_enabled: bool = False
    """Whether the primary is configured to wait for acknowledgements."""
    semi_sync_active: bool = False
    """Whether it does wait."""
    semi_sync_clients: Count = 0
    """Replicas that are connected to acknowledge."""
    wait_for: Count = 0
    """Acknowledgements that a commit waits for."""
    writes_blocked: Count = 0
    """Writes of the vttablet's own monitor that wait for an acknowledgement now; counted up to 15."""
    semi_sync_blocked: bool = False
    """Whether the primary's vttablet reports that commits wait for an acknowledgement that does not come."""
    replicas: tuple[Replica, ...] = ()
    """Every tablet of the shard except the primary."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def semi_sync_wanted(self) -> bool:
        """Whether the durability policy requires acknowledged commits."""
        return self.durability.startswith(("semi_sync", "cross_cell"))

    @property
    def stopped(self) -> tuple[Replica, ...]:
        """Replicas with a replication thread that is not running."""
        return tuple(each for each in self.replicas if each.stopped)

    @property
    def failed(self) -> tuple[Replica, ...]:
        """Replicas that an error stopped."""
        return tuple(each for each in self.replicas if each.failed)

    @property
    def stopped_by_hand(self) -> tuple[Replica, ...]:
        """Replicas whose applier is stopped without an error."""
        return tuple(each for each in self.replicas if each.stopped_by_hand)

    @property
    def unknown(self) -> tuple[Replica, ...]:
        """Replicas whose MySQL server could not be read."""
        return tuple(each for each in self.replicas if not each.known)

    @property
    def wrong_source(self) -> tuple[Replica, ...]:
        """Replicas that replicate from another server than the shard's primary."""
        return tuple(each for each in self.replicas if each.from_primary is False)

    @property
    def writable(self) -> tuple[Replica, ...]:
        """Replicas whose MySQL server accepts writes."""
        return tuple(each for each in self.replicas if each.writable)

    @property
    def max_lag(self) -> Seconds | None:
        """The longest lag of a running replica, after its configured delay is subtracted."""
        return max((each.lag - each.delay for each in self.replicas if each.lag is not None), default=None)

    @property
    def ackers_possible(self) -> tuple[Replica, ...]:
        """Replicas that the durability policy allows to acknowledge."""
        return tuple(each for each in self.replicas if each.may_acknowledge)

    @property
    def ackers(self) -> tuple[Replica, ...]:
        """Replicas that acknowledge now."""
        return tuple(each for each in self.replicas if each.acknowledges)

    @property
    def blocked(self) -> bool:
        """Whether writes hang because fewer replicas acknowledge than a commit waits for."""
        return self.semi_sync_blocked or (
            self.primary_known and self.semi_sync_enabled and self.semi_sync_clients < self.wait_for
        )

    @property
    def lag_not_reported(self) -> tuple[Replica, ...]:
        """Replicas that lag while their vttablet reports 0, so that vtgates keep sending reads to them."""
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
    """Reads the replication status of each tablet, from its MySQL server if its vttablet does not answer.

    SHOW VITESS_REPLICATION_STATUS is not used, because vtgate fills it from a replica of its choice. The lag is
    MySQL's; a vttablet without --enable-replication-reporter or heartbeats always reports 0.
    """
    tablets = vt.tablets()[:200]
    missing: list[str] = []
    primary_alias, durability = _records(vt, missing)
    primary = next((each for each in tablets if each.alias == primary_alias), None)
    counted = answers_by_alias(tablets, vt.metrics(Component.VTTABLET, REPORTED, BLOCKED))
    told = full_statuses(vt, tablets, counted)
    replicas, asked_past = [], 0
    for each in tablets:
        if each.alias == primary_alias:
            continue
        found = replica_from_status(each, told[each.alias], primary, durability)
        if (not found.known or found.failed) and asked_past < PAST:
            asked_past += 1
            found = replica_from_mysql(vt, each, found, primary)
        if not found.known:
            missing.append(f"The replication of {each.alias} is unknown: {redact_error(told[each.alias].error)}")
        replicas.append(replace(found, reported_lag=value(counted[each.alias].body or (), REPORTED)))
    of_primary = _primary_semi_sync(vt, primary_alias, told.get(primary_alias), missing)
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
    """Returns the primary in the shard record, and the durability policy in the keyspace record."""
    primary, durability = "", ""
    try:
        primary = alias_of(shard_record(vt).get("primary_alias"))
        durability = durability_policy(keyspace_record(vt))
    except Unreadable as error:
        missing.append(f"The records of the shard and the keyspace could not be read: {error}")
    return primary, durability


def _primary_semi_sync(vt: Vitess, alias: str, answer: ComponentAnswer | None, missing: list[str]) -> dict[str, Any]:
    """Returns semi-sync on the primary, through its vttablet, or from its MySQL server if that does not answer."""
    if answer is None:
        missing.append(
            "The shard record names no primary that exists in the topology, so the semi-sync state of the primary is "
            "unknown."
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
        past: SemiSync = semi_sync(vt.mysql_of(alias))
    except Unreadable as error:
        missing.append(f"The semi-sync state of the primary is unknown: {redact_error(answer.error or str(error))}")
        return {}
    return {
        "primary_known": True,
        "semi_sync_enabled": past.enabled,
        "semi_sync_active": past.active,
        "semi_sync_clients": past.clients,
        "wait_for": past.wait_for,
    }
