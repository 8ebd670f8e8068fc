"""Which transactions the replicas of a shard have that its primary lacks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.diagnostics.mysql import errant_gtids as server_errant_gtids
from actions.diagnostics.mysql.gtid_sets import LONGEST, GtidSets, gtid_sets
from actions.protobuf_json import moment
from actions.statement_redaction import redact_error
from actions.vitess_contract import Component, ComponentAnswer, Tablet, Vitess, alias_of
from actions.vitess_records import shard_record
from actions.vitess_tablet_health import full_statuses, status_pages

AGAIN: Seconds = 1.0
"""Time between the two readings."""
SETTLES: Seconds = 30.0
"""For this long after a failover, VTOrc and the first reading may report transactions as errant that are not."""
SHOWN = 500


@dataclass(frozen=True, slots=True)
class ErrantTablet:
    """One tablet with errant transactions."""

    alias: str = ""
    type: str = ""
    gtids: str = ""
    """The transactions that the primary lacked at the second reading."""
    transactions: Count = 0
    """How many there are."""
    own: bool = False
    """Whether all of them were made on this tablet, rather than by a former primary."""


@dataclass(frozen=True, slots=True)
class ErrantGtids:
    """The tablets of a shard with errant transactions, by their MySQL servers and by VTOrc."""

    keyspace: str = ""
    shard: str = ""
    known: bool = False
    """Whether the primary's MySQL server could be read; if not, only VTOrc's list is known."""
    primary_alias: str = ""
    """The alias of the primary in the shard record."""
    primary_age: Seconds | None = None
    """Time since the primary's term began."""
    compared: tuple[str, ...] = ()
    """The tablets that were compared with the primary."""
    tablets: tuple[ErrantTablet, ...] = ()
    """Tablets with errant transactions at both readings."""
    passed: Count = 0
    """Tablets that had some at the first reading and none at the second."""
    by_vtorc: tuple[str, ...] = ()
    """Tablets of the shard that VTOrc reports as errant."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def settling(self) -> bool:
        """Whether a failover was less than 30 s ago, so that the findings may disappear by themselves."""
        return self.primary_age is not None and self.primary_age < SETTLES

    @property
    def found(self) -> bool:
        """Whether any tablet has errant transactions."""
        return bool(self.tablets)

    @property
    def vtorc_alone(self) -> bool:
        """Whether VTOrc reports a tablet as errant that MySQL clears; for some seconds after a failover VTOrc is
        wrong."""
        errant = {each.alias for each in self.tablets}
        return any(alias in self.compared and alias not in errant for alias in self.by_vtorc)

    @property
    def transactions(self) -> Count:
        """Errant transactions of all tablets together."""
        return sum(each.transactions for each in self.tablets)


@diagnostic(
    cost=Cost.LOW,
    needs={Flavour.VITESS: ("GetTablets", "GetShard", "GetFullStatus", "vtorc /api/errant-gtids"), Flavour.MYSQL: ()},
)
def errant_gtids(vt: Vitess) -> ErrantGtids:
    """Subtracts the primary's GTID set from those of its replicas, twice.

    The replicas are read first; otherwise transactions committed in between would look errant. Transactions that are
    errant at the first reading only are not reported. VTOrc's own list is returned beside the result.
    """
    missing: list[str] = []
    record = shard_record(vt)
    primary, since = alias_of(record.get("primary_alias")), moment(record, "primary_term_start_time") or None
    others = tuple(each for each in vt.tablets()[:200] if each.alias != primary)
    sets = _executed_sets(vt, others, missing)
    known = True
    first: tuple[server_errant_gtids.ErrantReplica, ...] = ()
    again: tuple[server_errant_gtids.ErrantReplica, ...] = ()
    try:
        first = _subtracted(vt, primary, sets)
        again = _read_again(vt, primary, others, first) if first else ()
    except Unreadable as error:
        known = False
        missing.append(f"The primary's MySQL server could not be read, so only VTOrc's list is known: {error}")
    types = {each.alias: each.type for each in others}
    return ErrantGtids(
        keyspace=vt.keyspace,
        shard=vt.shard,
        known=known,
        primary_alias=primary,
        primary_age=None if since is None else max(0.0, time.time() - since),
        compared=tuple(each.address for each in sets) if known else (),
        tablets=tuple(
            ErrantTablet(each.address, types.get(each.address, ""), each.gtids, each.transactions, each.own)
            for each in again
        ),
        passed=len(first) - len(again),
        by_vtorc=_by_vtorc(vt, {each.alias for each in others}, missing),
        missing=tuple(missing),
    )


def _executed_sets(vt: Vitess, tablets: Sequence[Tablet], missing: list[str]) -> tuple[GtidSets, ...]:
    """Returns what each tablet has executed, through its vttablet, or from its MySQL server if that does not answer."""
    answers = full_statuses(vt, tablets, status_pages(vt, tablets)) if tablets else {}
    found = []
    for each in tablets:
        try:
            found.append(_executed_set(vt, each.alias, answers[each.alias]))
        except Unreadable as error:
            missing.append(f"The GTID set of {each.alias} is unknown: {redact_error(str(error))}")
    return tuple(found)


def _executed_set(vt: Vitess, alias: str, answer: ComponentAnswer) -> GtidSets:
    status: Mapping[str, Any] = answer.body.get("status", {}) if answer.ok else {}
    # A position is `MySQL56/uuid:1-7`; a tablet that does not replicate has one as a primary.
    position = str((status.get("replication_status") or status.get("primary_status") or {}).get("position", ""))
    if not position:
        there = gtid_sets(vt.mysql_of(alias))
        return GtidSets(alias, there.server, there.executed, enabled=there.enabled)
    executed = position.partition("/")[2].replace("\n", "")
    if len(executed) > LONGEST:
        raise Unreadable(f"the GTID set of {alias} has {len(executed):,} characters; the limit is {LONGEST:,}")
    return GtidSets(alias, str(status.get("server_uuid", "")), executed, enabled=True)


def _subtracted(vt: Vitess, primary: str, sets: tuple[GtidSets, ...]) -> tuple[server_errant_gtids.ErrantReplica, ...]:
    if not primary:
        raise Unreadable("The shard record names no primary.")
    found: server_errant_gtids.ErrantGtids = server_errant_gtids.errant_gtids(vt.mysql_of(primary), replicas=sets)
    return found.members


def _read_again(
    vt: Vitess, primary: str, tablets: Sequence[Tablet], first: tuple[server_errant_gtids.ErrantReplica, ...]
) -> tuple[server_errant_gtids.ErrantReplica, ...]:
    """Reads those with errant transactions again a moment later; a tablet that cannot be read again keeps its first
    result."""
    vt.pause(AGAIN)
    errant = {each.address: each for each in first}
    unread: list[str] = []
    sets = _executed_sets(vt, [each for each in tablets if each.alias in errant], unread)
    read = {each.address for each in sets}
    return (*_subtracted(vt, primary, sets), *(each for alias, each in errant.items() if alias not in read))


def _by_vtorc(vt: Vitess, aliases: set[str], missing: list[str]) -> tuple[str, ...]:
    """Returns the tablets that any VTOrc reports as errant."""
    found: set[str] = set()
    for answer in vt.web(Component.VTORC, "/api/errant-gtids"):
        if answer.ok:
            found |= {str(each.get("InstanceAlias", "")) for each in answer.body or ()}
        else:
            missing.append(f"The errant tablets at VTOrc {answer.who} could not be read: {answer.error}")
    return tuple(sorted(found & aliases))
