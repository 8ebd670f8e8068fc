"""Makes a replica the primary of its shard while the primary is well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import (
    Flavour,
    Grants,
    MySQL,
    Refused,
    Remediation,
    Risk,
    Seconds,
    Statement,
    Unreadable,
    Verification,
)
from actions.vitess_contract import Component, Vitess, alias_of, alias_record, call, vitess
from actions.vitess_prechecks import (
    Member,
    errant,
    members,
    no_cut_over,
    no_switch,
    none_at_primary,
    primary_alias,
    seen_by_vtgate,
    shard_record,
)

BUFFERS_AGAIN: Seconds = 60.0
"""A vtgate buffers nothing for a failover sooner after the last one (its `buffer-min-duration-between-failovers`)."""
PASSES: Seconds = 1.0
"""Lag that an idle replica shows as well."""
WAIT = 15


@dataclass(frozen=True)
class PlannedReparent(Remediation):
    """Calls PlannedReparentShard on the shard's primary; vtgate buffers its queries for about a second meanwhile."""

    new_primary: str = ""
    """The alias of a REPLICA; without it the fittest one is chosen when the change is planned."""
    tolerable_replication_lag: Seconds = 10.0
    """How far the next primary may be behind."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    demotes: ClassVar[bool] = True
    settles_within: ClassVar[float] = 30.0
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetTablets",
            "GetShard",
            "GetFullStatus",
            "GetKeyspaces",
            "GetWorkflows",
            "GetSchemaMigrations",
            "vttablet /twopcz",
            "vtorc /api/problems",
            "vtgate SHOW",
            "PlannedReparentShard",
        ),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a primary that is not well or new, a shard in which something is under way, and an unfit replica."""
        vt = vitess(db)
        seen = members(vt)
        _primary(vt, seen)
        record = shard_record(vt)
        if alias_of(record.get("primary_alias")) != vt.tablet:
            raise Refused(
                f"The record of {vt.address} names {alias_of(record.get('primary_alias')) or 'nobody'} as primary, and "
                f"not {vt.tablet}. Plan the change on the primary."
            )
        no_switch(vt, record)
        no_cut_over(vt)
        none_at_primary(vt)
        _no_problems(vt)
        self._next(vt, seen)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """PlannedReparentShard with the next primary by name, and only while the target is still the primary."""
        vt = vitess(db)
        yield _reparent(vt, self._next(vt, members(vt)).alias, vt.tablet, self.tolerable_replication_lag)

    def cost(self, db: MySQL) -> str:
        """Who is promoted and why, and what clients feel."""
        vt = vitess(db)
        chosen = self._next(vt, members(vt))
        why = "as asked" if self.new_primary else "the fittest: it replicates, has no errant GTIDs and the least lag"
        return (
            f"{chosen.alias} becomes the primary of {vt.address} ({why}). Queries of the shard wait in vtgate for "
            "about a second, and transactions that are open end with an error."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once the record, the tablet's type, its MySQL and vtgate agree on another primary."""
        vt = vitess(db)
        now = primary_alias(vt)
        if now == vt.tablet:
            return Verification(ok=False, says=f"{vt.tablet} is still the primary of {vt.address}.", settled=False)
        if self.new_primary not in ("", now):
            return Verification(ok=False, says=f"{now} is the primary of {vt.address}, and not {self.new_primary}.")
        return serves(vt, now)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """PlannedReparentShard back to the primary of now; within a minute vtgate does not buffer for it."""
        vt = vitess(db)
        yield _reparent(vt, vt.tablet, self._next(vt, members(vt)).alias, self.tolerable_replication_lag)

    def _next(self, vt: Vitess, seen: tuple[Member, ...]) -> Member:
        """The next primary; raises Refused where the one that is named, or every one, is unfit."""
        old = _primary(vt, seen)
        why = {each.alias: self._unfit(each, old) for each in seen if each.alias != old.alias}
        if self.new_primary:
            if self.new_primary == old.alias:
                raise Refused(f"{old.alias} is the primary of {vt.address} already.")
            if self.new_primary not in why:
                raise Refused(f"{vt.address} has no tablet {self.new_primary[:60]!r}; name one as zone1-0000000101.")
            if why[self.new_primary]:
                raise Refused(f"{self.new_primary} cannot become the primary of {vt.address}: {why[self.new_primary]}.")
            return next(each for each in seen if each.alias == self.new_primary)
        fit = [each for each in seen if why.get(each.alias) == ""]
        if not fit:
            told = "; ".join(f"{alias}: {reason}" for alias, reason in list(why.items())[:5])
            raise Refused(f"No tablet of {vt.address} can become its primary. {told or 'It has no other tablet'}.")
        # Lag of a second comes and goes; the choice must not, between the approval and the change.
        return min(
            fit, key=lambda each: (each.tablet.cell != old.tablet.cell, max((each.lag or 0) - PASSES, 0), each.alias)
        )

    def _unfit(self, member: Member, old: Member) -> str:
        """Why a tablet cannot be promoted; '' where it can."""
        if member.tablet.type != "REPLICA":
            return f"it is {member.tablet.type}, and only a REPLICA is promoted"
        if member.tablet.cell != old.tablet.cell and not self.new_primary:
            return f"it is in another cell, {member.tablet.cell}"
        if member.status is None:
            return f"it could not be asked ({member.error})"
        if member.replication.get("backup_running"):
            return "a backup runs on it"
        if not member.replicates:
            return member.stopped
        if member.lag is None or member.lag > self.tolerable_replication_lag:
            behind = "an unknown time" if member.lag is None else f"{member.lag:g} s"
            return f"it is {behind} behind, and {self.tolerable_replication_lag:g} s are tolerated"
        try:
            strange = errant(member.executed, old.executed)
        except ValueError as error:
            return f"its GTIDs could not be compared ({error})"
        return f"it has {strange} errant GTIDs; see mysql.fix_errant_gtid" if strange else ""


def _primary(vt: Vitess, seen: tuple[Member, ...]) -> Member:
    """The target, which must be a primary that answers and has been one for a minute; raises Refused."""
    own = next((each for each in seen if each.alias == vt.tablet), None)
    if own is None or own.tablet.type != "PRIMARY":
        kind = own.tablet.type if own else "gone"
        raise Refused(f"{vt.tablet} is {kind}, and not the primary of {vt.address}. Plan the change on the primary.")
    if own.status is None:
        raise Refused(
            f"The primary {own.alias} does not answer ({own.error}), and a planned reparent needs it. Look at "
            "vitess.shard_health; while only its vttablet is gone vitess.emergency_reparent is for that."
        )
    since = own.tablet.primary_since
    if since is not None and time.time() - since < BUFFERS_AGAIN:
        raise Refused(
            f"{own.alias} has been the primary of {vt.address} for less than a minute, and vtgate would not buffer "
            "for another reparent so soon. Wait a minute."
        )
    return own


def _no_problems(vt: Vitess) -> None:
    """Refuses while VTOrc sees problems in the shard: it may be about to repair them, under the same lock."""
    pages = vt.web(Component.VTORC, "/api/problems")
    for page in pages:
        for each in page.body if isinstance(page.body, list) else ():
            if (each.get("Keyspace"), each.get("Shard")) == (vt.keyspace, vt.shard):
                told = ", ".join(map(str, each.get("Problems") or ())) or "a problem"
                raise Refused(
                    f"VTOrc sees {told} on {each.get('InstanceAlias', 'a tablet')} of {vt.address}. Wait until it has "
                    "repaired that, or mend it first."
                )
    if pages and not any(page.ok for page in pages):
        raise Unreadable(f"No VTOrc told its problems ({pages[0].error}); look at vitess.vtorc first.")


def _reparent(vt: Vitess, to: str, expected: str, lag: Seconds) -> Statement:
    return call(
        "PlannedReparentShard",
        keyspace=vt.keyspace,
        shard=vt.shard,
        new_primary=alias_record(to),
        expected_primary=alias_record(expected),
        wait_replicas_timeout={"seconds": WAIT},
        tolerable_replication_lag={"seconds": int(lag)},
    )


def serves(vt: Vitess, alias: str) -> Verification:
    """Whether a tablet that the record names as primary is it for all: the topology, its MySQL and vtgate."""
    (member,) = members(vt, alias) or (None,)
    if member is None or member.tablet.type != "PRIMARY":
        says = f"The record of {vt.address} names {alias}, whose type is not PRIMARY yet."
        return Verification(ok=False, says=says, settled=False)
    if not member.writable:
        says = f"{alias} is the primary of {vt.address}, and its MySQL takes no writes yet."
        return Verification(ok=False, says=says, settled=False)
    if seen_by_vtgate(vt).get(alias) != ("PRIMARY", "SERVING"):
        says = f"{alias} is the primary of {vt.address}, and vtgate does not serve from it yet."
        return Verification(ok=False, says=says, settled=False)
    return Verification(
        ok=True, says=f"{alias} is the primary of {vt.address}, takes writes, and vtgate serves from it."
    )
