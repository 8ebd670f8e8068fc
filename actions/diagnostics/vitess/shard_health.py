"""Whether a shard has a serving primary, and which of its tablets are down, and why."""

from __future__ import annotations

import time
from dataclasses import dataclass

from actions.contract import Cost, Flavour, Moment, Seconds, Unreadable, diagnostic
from actions.protobuf_json import Record, moment
from actions.vitess_contract import Vitess, alias_of
from actions.vitess_records import emergency_reparent_disabled, shard_record
from actions.vitess_tablet_health import DETAILS, TabletHealth, list_tablets, tablet_healths

NEEDS = ("GetTablets", "GetShard", "GetFullStatus", f"vttablet {DETAILS}", "vtgate SHOW")


@dataclass(frozen=True, slots=True)
class ShardHealth:
    """One shard: its record in the topology, and each of its tablets."""

    keyspace: str = ""
    shard: str = ""
    topology_reachable: bool = True
    """False if the topology could not be read. The tablets are then those that vtgate knows, and little is known of
    them."""
    record_known: bool = True
    """Whether the shard record could be read; if not, the fields from it have their defaults."""
    primary_alias: str = ""
    """The primary in the shard record; '' if it names none."""
    primary_since: Moment | None = None
    """When the primary's term began, in Unix seconds, in the shard record."""
    primary_age: Seconds | None = None
    """Time since the primary's term began. Just after a failover the state may still settle."""
    primary_serving: bool = True
    """`is_primary_serving` in the shard record: false while the primary's traffic is switched to other shards."""
    emergency_reparent_disabled: bool = False
    """Whether the shard record forbids VTOrc to run an emergency reparent."""
    tablets: tuple[TabletHealth, ...] = ()
    """Every tablet of the shard."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def primary(self) -> TabletHealth | None:
        """The tablet that the shard record names as primary; if the record is unknown, the one whose term began
        last."""
        if self.primary_alias:
            return next((each for each in self.tablets if each.alias == self.primary_alias), None)
        return None if self.record_known else max(self._primaries, key=_term, default=None)

    @property
    def no_primary(self) -> bool:
        """Whether the shard record names no primary, or one that is not in the topology."""
        return self.record_known and self.primary is None

    @property
    def primary_vttablet_dead(self) -> bool:
        """Whether the primary's vttablet is dead. VTOrc does not fail over while its mysqld is alive."""
        return self.primary is not None and self.primary.vttablet_dead

    @property
    def primary_mysqld_dead(self) -> bool:
        """Whether the primary's mysqld is dead."""
        return self.primary is not None and self.primary.mysqld_dead

    @property
    def primary_mysqld_alive(self) -> bool:
        """Whether the primary's mysqld is known to be alive; false, too, if that is unknown."""
        return self.primary is not None and self.primary.mysqld == "alive"

    @property
    def primary_writable(self) -> bool:
        """Whether the primary's MySQL server accepts writes, as far as that could be read."""
        return self.primary is not None and self.primary.writable

    @property
    def primary_read_only(self) -> bool:
        """Whether the primary's MySQL server is known to be read-only."""
        return self.primary is not None and (self.primary.read_only is True or self.primary.super_read_only is True)

    @property
    def primary_served(self) -> bool:
        """Whether vtgate has a serving primary: what clients experience."""
        return any(each.seen == "SERVING" and each.seen_as == "PRIMARY" for each in self.tablets)

    @property
    def replicas(self) -> tuple[TabletHealth, ...]:
        """Tablets of type REPLICA."""
        return self._of("REPLICA")

    @property
    def replicas_down(self) -> tuple[TabletHealth, ...]:
        """Replicas whose vttablet or mysqld is dead."""
        return tuple(each for each in self.replicas if each.down)

    @property
    def serving_replicas(self) -> tuple[TabletHealth, ...]:
        """Replicas that vtgate sends reads to; if no vtgate answers, those that report that they serve."""
        return tuple(each for each in self.replicas if _serves(each))

    @property
    def all_replicas_down(self) -> bool:
        """Whether there are replicas and all of them are down, so that none acknowledges writes."""
        return bool(self.replicas) and len(self.replicas_down) == len(self.replicas)

    @property
    def down(self) -> tuple[TabletHealth, ...]:
        """Tablets whose vttablet or mysqld is dead."""
        return tuple(each for each in self.tablets if each.down)

    @property
    def hanging(self) -> tuple[TabletHealth, ...]:
        """Tablets whose mysqld takes connections but does not answer; vtgate goes on sending queries to them."""
        return tuple(each for each in self.tablets if each.mysqld_hangs)

    @property
    def mysql_unknown(self) -> tuple[TabletHealth, ...]:
        """Tablets whose mysqld could not be asked, so that nothing is known of it."""
        return tuple(each for each in self.tablets if each.mysqld == "unknown")

    @property
    def not_serving(self) -> tuple[TabletHealth, ...]:
        """Tablets that are not down but do not serve; `reason` says why."""
        idle = ("DRAINED", "BACKUP", "RESTORE", "SPARE", "EXPERIMENTAL")
        return tuple(
            each
            for each in self.tablets
            if each.vttablet == "answers" and not each.mysqld_dead and not each.serving and each.type not in idle
        )

    @property
    def two_primaries(self) -> bool:
        """Whether more than one tablet is PRIMARY, in the topology or among the serving tablets of vtgate.

        After a failover the old primary keeps the type until it is running again; see `stale_primaries`.
        """
        serving = [each for each in self.tablets if each.seen == "SERVING" and each.seen_as == "PRIMARY"]
        return len(self._primaries) > 1 or len(serving) > 1

    @property
    def stale_primaries(self) -> tuple[TabletHealth, ...]:
        """Tablets of type PRIMARY that are not the primary in the shard record."""
        newest = self.primary.alias if self.primary is not None else ""
        return tuple(each for each in self._primaries if each.alias != newest)

    @property
    def writable_primaries(self) -> tuple[TabletHealth, ...]:
        """Tablets of type PRIMARY whose MySQL server accepts writes; more than one is a split brain."""
        return tuple(each for each in self._primaries if each.writable)

    @property
    def record_stale(self) -> bool:
        """Whether a tablet has a later term as primary than the one in the shard record."""
        newest = max(self._primaries, key=_term, default=None)
        named = self.primary
        return named is not None and newest is not None and _term(newest) > _term(named)

    @property
    def drained(self) -> tuple[TabletHealth, ...]:
        """Tablets of type DRAINED; they serve no reads until their type is changed."""
        return self._of("DRAINED")

    @property
    def rdonly(self) -> tuple[TabletHealth, ...]:
        """Tablets of type RDONLY."""
        return self._of("RDONLY")

    @property
    def backing_up(self) -> tuple[TabletHealth, ...]:
        """Tablets of type BACKUP or RESTORE."""
        return self._of("BACKUP", "RESTORE")

    @property
    def disks_stalled(self) -> tuple[TabletHealth, ...]:
        """Tablets whose vttablet reports that their disk accepts no writes."""
        return tuple(each for each in self.tablets if each.disk_stalled)

    @property
    def _primaries(self) -> tuple[TabletHealth, ...]:
        return self._of("PRIMARY")

    def _of(self, *types: str) -> tuple[TabletHealth, ...]:
        return tuple(each for each in self.tablets if each.type in types)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: NEEDS, Flavour.MYSQL: ()})
def shard_health(vt: Vitess) -> ShardHealth:
    """Reads the shard record, the state of each tablet's vttablet and mysqld, and how vtgate sees each tablet.

    vtgate is read first: it shows what clients experience even while the topology is unavailable. After a failover, a
    type in the topology is older than what vtgate sees; the latest term as primary counts (Vitess, topodata.proto).
    """
    missing: list[str] = []
    listing = list_tablets(vt, missing)
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
        emergency_reparent_disabled=emergency_reparent_disabled(record or {}),
        tablets=tablet_healths(vt, listing),
        missing=tuple(missing),
    )


def _record(vt: Vitess, missing: list[str]) -> Record | None:
    try:
        return shard_record(vt)
    except Unreadable as error:
        missing.append(f"The shard record could not be read: {error}")
        return None


def _term(tablet: TabletHealth) -> float:
    return tablet.primary_since or 0.0


def _serves(tablet: TabletHealth) -> bool:
    return tablet.serving if tablet.seen == "unknown" else tablet.seen == "SERVING"
