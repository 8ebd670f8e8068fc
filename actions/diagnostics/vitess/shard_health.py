"""Whether a shard has a primary that serves, and which of its tablets are down, and why."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Flavour, Moment, Seconds, Unreadable, diagnostic
from actions.diagnostics.vitess.tablet_health import DETAILS, TabletHealth, healths, listed
from actions.protobuf_json import moment
from actions.vitess_contract import Vitess, alias_of

NEEDS = ("GetTablets", "GetShard", "GetFullStatus", f"vttablet {DETAILS}", "vtgate SHOW")


@dataclass(frozen=True, slots=True)
class ShardHealth:
    """One shard: what the topology says of it, and each of its tablets."""

    keyspace: str = ""
    shard: str = ""
    topology_reachable: bool = True
    """False where the topology could not be read; the tablets are then those that vtgate knows, and no more than that
    is known of them."""
    record_known: bool = True
    """Whether the record of the shard could be read; what it says is empty otherwise."""
    primary_alias: str = ""
    """The primary by the record of the shard; '' where it names none."""
    primary_since: Moment | None = None
    """Unix time in seconds at which the term of that primary began, by the record of the shard."""
    primary_age: Seconds | None = None
    """How long ago that was: a failover of a moment ago still settles."""
    primary_serving: bool = True
    """`is_primary_serving` of the record: false while traffic of the primary is switched to other shards."""
    emergency_reparent_disabled: bool = False
    """Whether VTOrc may make no emergency reparent of this shard, by the record of the shard."""
    tablets: tuple[TabletHealth, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence for each."""

    @property
    def primary(self) -> TabletHealth | None:
        """The tablet that the record names as primary; without the record the one whose term began last."""
        if self.primary_alias:
            return next((each for each in self.tablets if each.alias == self.primary_alias), None)
        return None if self.record_known else max(self._primaries, key=_term, default=None)

    @property
    def no_primary(self) -> bool:
        """Whether the record of the shard names no primary, or one that the topology has not."""
        return self.record_known and self.primary is None

    @property
    def primary_vttablet_dead(self) -> bool:
        """Whether the primary's vttablet is dead; VTOrc makes no failover while its mysqld lives."""
        return self.primary is not None and self.primary.vttablet_dead

    @property
    def primary_mysqld_dead(self) -> bool:
        return self.primary is not None and self.primary.mysqld_dead

    @property
    def primary_mysqld_alive(self) -> bool:
        """Whether the primary's mysqld is known to live; neither this nor its contrary holds where it is not known."""
        return self.primary is not None and self.primary.mysqld == "alive"

    @property
    def primary_writable(self) -> bool:
        """Whether the primary's MySQL takes writes, as far as that could be read."""
        return self.primary is not None and self.primary.writable

    @property
    def primary_read_only(self) -> bool:
        """Whether the primary's MySQL is known to take no writes."""
        return self.primary is not None and (self.primary.read_only is True or self.primary.super_read_only is True)

    @property
    def primary_served(self) -> bool:
        """Whether vtgate has a primary that serves: what clients feel."""
        return any(each.seen == "SERVING" and each.seen_as == "PRIMARY" for each in self.tablets)

    @property
    def replicas(self) -> tuple[TabletHealth, ...]:
        """The tablets of type REPLICA."""
        return self._of("REPLICA")

    @property
    def replicas_down(self) -> tuple[TabletHealth, ...]:
        """Those of the replicas whose vttablet or mysqld is dead."""
        return tuple(each for each in self.replicas if each.down)

    @property
    def serving_replicas(self) -> tuple[TabletHealth, ...]:
        """Replicas that vtgate sends reads to; where no vtgate answers, those that say that they serve."""
        return tuple(each for each in self.replicas if _serves(each))

    @property
    def all_replicas_down(self) -> bool:
        """Whether there are replicas, and all of them are down: nobody acknowledges writes."""
        return bool(self.replicas) and len(self.replicas_down) == len(self.replicas)

    @property
    def down(self) -> tuple[TabletHealth, ...]:
        """All tablets whose vttablet or mysqld is dead."""
        return tuple(each for each in self.tablets if each.down)

    @property
    def not_serving(self) -> tuple[TabletHealth, ...]:
        """Tablets that are not down and do not serve all the same; `reason` has why."""
        idle = ("DRAINED", "BACKUP", "RESTORE", "SPARE", "EXPERIMENTAL")
        return tuple(
            each
            for each in self.tablets
            if each.vttablet == "answers" and not each.mysqld_dead and not each.serving and each.type not in idle
        )

    @property
    def two_primaries(self) -> bool:
        """Whether more than one tablet has the type PRIMARY, in the topology or as vtgate sees serving ones.

        After a failover the old one keeps it until it is back; that one is in `stale_primaries`.
        """
        serving = [each for each in self.tablets if each.seen == "SERVING" and each.seen_as == "PRIMARY"]
        return len(self._primaries) > 1 or len(serving) > 1

    @property
    def stale_primaries(self) -> tuple[TabletHealth, ...]:
        """Tablets of type PRIMARY that the record of the shard does not name, or not any more."""
        newest = self.primary.alias if self.primary is not None else ""
        return tuple(each for each in self._primaries if each.alias != newest)

    @property
    def writable_primaries(self) -> tuple[TabletHealth, ...]:
        """Tablets of type PRIMARY whose MySQL takes writes; more than one of them is a split brain."""
        return tuple(each for each in self._primaries if each.writable)

    @property
    def record_stale(self) -> bool:
        """Whether another tablet has a later term as primary than the one that the record of the shard names."""
        newest = max(self._primaries, key=_term, default=None)
        named = self.primary
        return named is not None and newest is not None and _term(newest) > _term(named)

    @property
    def drained(self) -> tuple[TabletHealth, ...]:
        """Tablets of type DRAINED; nobody reads from them until their type is changed."""
        return self._of("DRAINED")

    @property
    def rdonly(self) -> tuple[TabletHealth, ...]:
        return self._of("RDONLY")

    @property
    def backing_up(self) -> tuple[TabletHealth, ...]:
        """Tablets of type BACKUP or RESTORE."""
        return self._of("BACKUP", "RESTORE")

    @property
    def disks_stalled(self) -> tuple[TabletHealth, ...]:
        """Tablets whose vttablet says that their disk takes no writes."""
        return tuple(each for each in self.tablets if each.disk_stalled)

    @property
    def _primaries(self) -> tuple[TabletHealth, ...]:
        return self._of("PRIMARY")

    def _of(self, *types: str) -> tuple[TabletHealth, ...]:
        return tuple(each for each in self.tablets if each.type in types)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: NEEDS, Flavour.MYSQL: ()})
def shard_health(vt: Vitess) -> ShardHealth:
    """Reads the record of the shard, and of each tablet its page, its MySQL through it or past it, and vtgate's view.

    vtgate is asked first: it tells what clients feel even while the topology is away. What the topology records of a
    type is older than what vtgate sees after a failover; the latest term as primary counts (Vitess, topodata.proto).
    """
    missing: list[str] = []
    listing = listed(vt, missing)
    record = _record(vt, missing) if listing.from_topology else None
    since = moment(record or {}, "primary_term_start_time") or None
    return ShardHealth(
        keyspace=vt.keyspace,
        shard=vt.shard,
        topology_reachable=listing.from_topology,
        record_known=record is not None,
        primary_alias=alias_of((record or {}).get("primary_alias")),
        primary_since=since,
        primary_age=None if since is None else max(0.0, time.time() - since),
        primary_serving=record is None or bool(record.get("is_primary_serving")),
        emergency_reparent_disabled=bool((record or {}).get("vtorc_state", {}).get("disable_emergency_reparent")),
        tablets=healths(vt, listing),
        missing=tuple(missing),
    )


def _record(vt: Vitess, missing: list[str]) -> Mapping[str, Any] | None:
    try:
        return record_of(vt)
    except Unreadable as error:
        missing.append(f"The record of the shard could not be read: {error}")
        return None


def record_of(vt: Vitess) -> Mapping[str, Any]:
    """The topology's record of the shard, topodata.Shard. Raises Unreadable."""
    found: Mapping[str, Any] = vt.rpc("GetShard", keyspace=vt.keyspace, shard_name=vt.shard)["shard"]["shard"]
    return found


def _term(tablet: TabletHealth) -> float:
    return tablet.primary_since or 0.0


def _serves(tablet: TabletHealth) -> bool:
    return tablet.serving if tablet.seen == "unknown" else tablet.seen == "SERVING"
