"""Promotes a replica of a shard while its primary is healthy."""

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
from actions.gtid_set_parser import count_missing
from actions.vitess_contract import Component, Vitess, alias_of, alias_record, call, runbook_command, vitess
from actions.vitess_prechecks import refuse_pending_cut_over, refuse_prepared_at_primary, refuse_unfinished_switch
from actions.vitess_records import primary_alias, shard_record
from actions.vitess_shard_members import ShardMember, member_of, seen_by_vtgate, shard_members

BUFFERS_AGAIN: Seconds = 60.0
"""A vtgate does not buffer for a failover within this time after the last one
(`buffer-min-duration-between-failovers`)."""
PASSES: Seconds = 1.0
"""Lag that an idle replica reports as well."""
REPLICAS_TIMEOUT = 15
"""Seconds that Vitess waits for replicas to catch up before it promotes one."""


@dataclass(frozen=True)
class PlannedReparent(Remediation):
    """Calls PlannedReparentShard on the shard's primary; vtgate buffers its queries for about a second."""

    new_primary: str = ""
    """The alias of a REPLICA; if empty, the best candidate is chosen when the change is planned."""
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
        """Refuses a primary that is unhealthy or less than a minute old, a shard with other work under way, and an
        unfit replica."""
        vt = vitess(db)
        seen = shard_members(vt)
        _settled_primary(vt, seen)
        record = shard_record(vt)
        if alias_of(record.get("primary_alias")) != vt.tablet:
            raise Refused(
                f"The shard record of {vt.address} names {alias_of(record.get('primary_alias')) or 'no tablet'} as "
                f"primary, not {vt.tablet}. Choose the primary as the target."
            )
        refuse_unfinished_switch(vt, record)
        refuse_pending_cut_over(vt)
        refuse_prepared_at_primary(vt)
        _refuse_vtorc_problems(vt)
        self._successor(vt, seen)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """PlannedReparentShard with the next primary by name, on condition that the target is still the primary."""
        vt = vitess(db)
        yield _reparent(vt, self._successor(vt, shard_members(vt)).alias, vt.tablet, self.tolerable_replication_lag)

    def cost(self, db: MySQL) -> str:
        """Which replica is promoted and why, and what clients notice."""
        vt = vitess(db)
        chosen = self._successor(vt, shard_members(vt))
        best = "the best candidate: it replicates, has no errant GTIDs, and has the least lag"
        why = "as requested" if self.new_primary else best
        return (
            f"{chosen.alias} becomes the primary of {vt.address} ({why}). vtgate buffers the shard's queries for "
            "about a second, and open transactions fail with an error."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once the shard record, the tablet's type, its MySQL server and vtgate agree on another primary."""
        return verify_primary_moved(vitess(db), self.new_primary)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """PlannedReparentShard back to the present primary; within a minute of the change vtgate does not buffer for
        it."""
        vt = vitess(db)
        yield _reparent(vt, vt.tablet, self._successor(vt, shard_members(vt)).alias, self.tolerable_replication_lag)

    def _successor(self, vt: Vitess, seen: tuple[ShardMember, ...]) -> ShardMember:
        """Returns the next primary; raises Refused if the named replica, or every replica, is unfit."""
        old = _settled_primary(vt, seen)
        why = {each.alias: self._unfit(each, old) for each in seen if each.alias != old.alias}
        if self.new_primary:
            if self.new_primary == old.alias:
                raise Refused(f"{old.alias} is already the primary of {vt.address}.")
            if self.new_primary not in why:
                raise Refused(
                    f"{vt.address} has no tablet {self.new_primary[:60]!r}; write an alias such as zone1-0000000101."
                )
            if why[self.new_primary]:
                raise Refused(f"{self.new_primary} cannot become the primary of {vt.address}: {why[self.new_primary]}.")
            return next(each for each in seen if each.alias == self.new_primary)
        fit = [each for each in seen if why.get(each.alias) == ""]
        if not fit:
            told = "; ".join(f"{alias}: {reason}" for alias, reason in list(why.items())[:5])
            raise Refused(f"No tablet of {vt.address} can become its primary. {told or 'It has no other tablet'}.")
        # A lag of a second comes and goes; the choice must stay the same between the approval and the change.
        return min(
            fit, key=lambda each: (each.tablet.cell != old.tablet.cell, max((each.lag or 0) - PASSES, 0), each.alias)
        )

    def _unfit(self, member: ShardMember, old: ShardMember) -> str:
        """Returns why a tablet cannot be promoted; '' if it can."""
        if member.tablet.type != "REPLICA":
            return f"its type is {member.tablet.type}, and only a REPLICA can be promoted"
        if member.tablet.cell != old.tablet.cell and not self.new_primary:
            return f"it is in another cell, {member.tablet.cell}"
        if member.status is None:
            return f"its status could not be read ({member.error})"
        if member.replication.get("backup_running"):
            return "a backup is running on it"
        if not member.replicates:
            return member.stopped
        if member.lag is None or member.lag > self.tolerable_replication_lag:
            behind = "an unknown time" if member.lag is None else f"{member.lag:g} s"
            return f"it is {behind} behind, and at most {self.tolerable_replication_lag:g} s are tolerated"
        try:
            strange = count_missing(member.executed, old.executed)
        except ValueError as error:
            return f"its GTID set could not be compared ({error})"
        return f"it has {strange} errant GTIDs (runbook vitess/errant-gtids)" if strange else ""


def _settled_primary(vt: Vitess, seen: tuple[ShardMember, ...]) -> ShardMember:
    """Returns the target, which must be a primary that answers and has been one for a minute; raises Refused."""
    own = member_of(seen, vt.tablet)
    if own is None or own.tablet.type != "PRIMARY":
        kind = own.tablet.type if own else "gone"
        raise Refused(f"{vt.tablet} is {kind}, not the primary of {vt.address}. Choose the primary as the target.")
    if own.status is None:
        raise Refused(
            f"The primary {own.alias} does not respond ({own.error}), and a planned reparent needs it. Continue with "
            f"{runbook_command(vt, 'vitess/shard')}."
        )
    since = own.tablet.primary_since
    if since is not None and time.time() - since < BUFFERS_AGAIN:
        raise Refused(
            f"{own.alias} has been the primary of {vt.address} for less than {BUFFERS_AGAIN:g} s, and vtgate does not "
            "buffer for another reparent so soon. Wait a minute."
        )
    return own


def _refuse_vtorc_problems(vt: Vitess) -> None:
    """Raises Refused while VTOrc detects problems in the shard: it may be about to repair them under the same lock."""
    pages = vt.web(Component.VTORC, "/api/problems")
    for page in pages:
        for each in page.body if isinstance(page.body, list) else ():
            if (each.get("Keyspace"), each.get("Shard")) == (vt.keyspace, vt.shard):
                told = ", ".join(map(str, each.get("Problems") or ())) or "a problem"
                raise Refused(
                    f"VTOrc detects {told} on {each.get('InstanceAlias', 'a tablet')} of {vt.address}. Wait until it "
                    "has repaired that, or fix it first."
                )
    if pages and not any(page.ok for page in pages):
        raise Unreadable(
            f"The problems that VTOrc detects could not be read ({pages[0].error}). Continue with "
            f"{runbook_command(vt, 'vitess/vtorc')}."
        )


def _reparent(vt: Vitess, to: str, expected: str, lag: Seconds) -> Statement:
    return call(
        "PlannedReparentShard",
        keyspace=vt.keyspace,
        shard=vt.shard,
        new_primary=alias_record(to),
        expected_primary=alias_record(expected),
        wait_replicas_timeout={"seconds": REPLICAS_TIMEOUT},
        tolerable_replication_lag={"seconds": int(lag)},
    )


def verify_primary_moved(vt: Vitess, new_primary: str) -> Verification:
    """Verifies that the target has handed over to another primary, to `new_primary` where that is named."""
    now = primary_alias(vt)
    if now == vt.tablet:
        return Verification(ok=False, says=f"{vt.tablet} is still the primary of {vt.address}.", settled=False)
    if new_primary not in ("", now):
        return Verification(ok=False, says=f"{now} is the primary of {vt.address}, not {new_primary}.")
    return _verify_serving(vt, now)


def _verify_serving(vt: Vitess, alias: str) -> Verification:
    """Verifies that the recorded primary is one for the topology, for its MySQL server and for vtgate."""
    (member,) = shard_members(vt, alias) or (None,)
    if member is None or member.tablet.type != "PRIMARY":
        says = f"The shard record of {vt.address} names {alias} as primary, but its type is not PRIMARY yet."
        return Verification(ok=False, says=says, settled=False)
    if not member.writable:
        says = f"{alias} is the primary of {vt.address}, but its MySQL server is still read-only."
        return Verification(ok=False, says=says, settled=False)
    if seen_by_vtgate(vt).get(alias) != ("PRIMARY", "SERVING"):
        says = f"{alias} is the primary of {vt.address}, but vtgate does not use it yet."
        return Verification(ok=False, says=says, settled=False)
    return Verification(ok=True, says=f"{alias} is the primary of {vt.address}, accepts writes, and vtgate uses it.")
