"""Which transactions the replicas of a shard have that its primary does not."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.diagnostics.mysql import errant_gtids as of_servers
from actions.diagnostics.mysql.gtid_sets import LONGEST, GtidSets, gtid_sets
from actions.diagnostics.vitess.shard_health import record_of
from actions.diagnostics.vitess.tablet_health import full_statuses, pages_of
from actions.protobuf_json import moment
from actions.redaction import redact_error
from actions.vitess_contract import Answer, Component, Tablet, Vitess, alias_of

AGAIN: Seconds = 1.0
"""Between the two looks."""
SETTLES: Seconds = 30.0
"""For so long after a failover VTOrc, and the first look, may call transactions errant that are not."""
SHOWN = 500


@dataclass(frozen=True, slots=True)
class ErrantTablet:
    """One tablet with transactions of its own."""

    alias: str = ""
    type: str = ""
    gtids: str = ""
    """The transactions that the primary does not have, at the second look."""
    transactions: Count = 0
    own: bool = False
    """Whether all of them were made on that very tablet, and not by a former primary."""


@dataclass(frozen=True, slots=True)
class ErrantGtids:
    """The tablets of a shard with errant transactions, by MySQL itself and by VTOrc."""

    keyspace: str = ""
    shard: str = ""
    known: bool = False
    """Whether the primary's MySQL could be asked; without it only VTOrc's word is there."""
    primary_alias: str = ""
    primary_age: Seconds | None = None
    """How long ago the term of the primary began."""
    compared: tuple[str, ...] = ()
    """The tablets that were held against the primary."""
    tablets: tuple[ErrantTablet, ...] = ()
    """Those with errant transactions at both looks."""
    passed: Count = 0
    """Tablets that had some at the first look and none at the second."""
    by_vtorc: tuple[str, ...] = ()
    """The tablets of the shard that VTOrc calls errant."""
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence for each."""

    @property
    def settling(self) -> bool:
        """Whether a failover was so short a while ago that what is seen may pass by itself."""
        return self.primary_age is not None and self.primary_age < SETTLES

    @property
    def found(self) -> bool:
        return bool(self.tablets)

    @property
    def vtorc_alone(self) -> bool:
        """Whether VTOrc calls a tablet errant that MySQL clears: it is mistaken for some seconds after a failover."""
        errant = {each.alias for each in self.tablets}
        return any(alias in self.compared and alias not in errant for alias in self.by_vtorc)

    @property
    def transactions(self) -> Count:
        """How many errant transactions there are on all of the tablets."""
        return sum(each.transactions for each in self.tablets)


@diagnostic(
    cost=Cost.LOW,
    needs={Flavour.VITESS: ("GetTablets", "GetShard", "GetFullStatus", "vtorc /api/errant-gtids"), Flavour.MYSQL: ()},
)
def errant_gtids(vt: Vitess) -> ErrantGtids:
    """Subtracts the primary's transactions from those that its replicas were read to have before, twice.

    The replicas are read first; else what has not come to them yet would look errant. What is there at the first look
    alone is not told. VTOrc's own list stands beside it.
    """
    missing: list[str] = []
    record = record_of(vt)
    primary, since = alias_of(record.get("primary_alias")), moment(record, "primary_term_start_time") or None
    others = tuple(each for each in vt.tablets()[:200] if each.alias != primary)
    sets = _sets(vt, others, missing)
    known = True
    first: tuple[of_servers.Errant, ...] = ()
    again: tuple[of_servers.Errant, ...] = ()
    try:
        first = _subtracted(vt, primary, sets)
        again = _once_more(vt, primary, others, first) if first else ()
    except Unreadable as error:
        known = False
        missing.append(f"The primary's MySQL could not be asked, so there is only VTOrc's word: {error}")
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


def _sets(vt: Vitess, tablets: Sequence[Tablet], missing: list[str]) -> tuple[GtidSets, ...]:
    """What each tablet has executed, through its vttablet, or past it where that does not answer."""
    answers = full_statuses(vt, tablets, pages_of(vt, tablets)) if tablets else {}
    found = []
    for each in tablets:
        try:
            found.append(_set(vt, each.alias, answers[each.alias]))
        except Unreadable as error:
            missing.append(f"What {each.alias} has executed is not known: {redact_error(str(error))}")
    return tuple(found)


def _set(vt: Vitess, alias: str, answer: Answer) -> GtidSets:
    status: Mapping[str, Any] = answer.body.get("status", {}) if answer.ok else {}
    # A position is `MySQL56/uuid:1-7`; a tablet that does not replicate has one as a primary.
    position = str((status.get("replication_status") or status.get("primary_status") or {}).get("position", ""))
    if not position:
        there = gtid_sets(vt.beneath(alias))
        return GtidSets(alias, there.server, there.executed, enabled=there.enabled)
    executed = position.partition("/")[2].replace("\n", "")
    if len(executed) > LONGEST:
        raise Unreadable(f"the GTID set of {alias} has {len(executed):,} characters; {LONGEST:,} are taken")
    return GtidSets(alias, str(status.get("server_uuid", "")), executed, enabled=True)


def _subtracted(vt: Vitess, primary: str, sets: tuple[GtidSets, ...]) -> tuple[of_servers.Errant, ...]:
    if not primary:
        raise Unreadable("The record of the shard names no primary.")
    found: of_servers.ErrantGtids = of_servers.errant_gtids(vt.beneath(primary), replicas=sets)
    return found.members


def _once_more(
    vt: Vitess, primary: str, tablets: Sequence[Tablet], first: tuple[of_servers.Errant, ...]
) -> tuple[of_servers.Errant, ...]:
    """The same of those that had some, a moment later; one that cannot be read again is told as it was."""
    vt.pause(AGAIN)
    errant = {each.address: each for each in first}
    unread: list[str] = []
    sets = _sets(vt, [each for each in tablets if each.alias in errant], unread)
    read = {each.address for each in sets}
    return (*_subtracted(vt, primary, sets), *(each for alias, each in errant.items() if alias not in read))


def _by_vtorc(vt: Vitess, aliases: set[str], missing: list[str]) -> tuple[str, ...]:
    """The tablets that any VTOrc calls errant."""
    found: set[str] = set()
    for answer in vt.web(Component.VTORC, "/api/errant-gtids"):
        if answer.ok:
            found |= {str(each.get("InstanceAlias", "")) for each in answer.body or ()}
        else:
            missing.append(f"VTOrc at {answer.who} did not say which tablets it calls errant: {answer.error}")
    return tuple(sorted(found & aliases))
