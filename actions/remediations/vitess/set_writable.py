"""Makes a primary's MySQL server writable, or a replica's read-only, if VTOrc does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, alias_record, call, runbook_command, vitess
from actions.vitess_prechecks import NEEDS_OF_VTORC, refuse_if_vtorc_acts
from actions.vitess_records import primary_alias
from actions.vitess_shard_members import ShardMember, member_of, shard_members


@dataclass(frozen=True)
class SetWritable(Remediation):
    """Calls SetWritable: true on the shard's only primary, or false on any other tablet."""

    writable: bool
    """True on the primary, false on any other tablet."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            "GetTablets",
            "GetFullStatus",
            *NEEDS_OF_VTORC,
            "SetWritable",
        ),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a change that would give the shard two writers or none, and one that VTOrc makes itself."""
        vt = vitess(db)
        seen = shard_members(vt)
        own = member_of(seen, vt.tablet)
        if own is None or own.status is None:
            raise Refused(
                f"{vt.tablet} does not answer ({own.error if own else 'it is gone'}), so it cannot be changed. "
                "Restore it first."
            )
        if own.writable == self.writable:
            raise Refused(
                f"The MySQL server of {vt.tablet} "
                f"{'already accepts writes' if self.writable else 'is already read-only'}."
            )
        primary = primary_alias(vt)
        if self.writable:
            self._refuse_second_writer(vt, own, seen, primary)
        elif own.alias == primary or own.tablet.type == "PRIMARY":
            raise Refused(
                f"{vt.tablet} is a primary, and all writes to {vt.address} would fail. Demote it with a planned "
                f"reparent instead: vtctldclient PlannedReparentShard {vt.address}."
            )
        refuse_if_vtorc_acts(vt, f"{'makes its primary writable' if self.writable else 'makes its replicas read-only'}")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetWritable."""
        yield self._set(vitess(db), self.writable)

    def cost(self, db: MySQL) -> str:
        """What changes for clients."""
        vt = vitess(db)
        if self.writable:
            return f"Writes to {vt.address} succeed again. No other writer was found, and there must be none."
        return f"Every write to {vt.tablet} fails, except those of replication."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the tablet's MySQL server has this setting."""
        vt = vitess(db)
        member = member_of(shard_members(vt, vt.tablet), vt.tablet)
        if member is None or member.status is None:
            return Verification(ok=False, says=f"{vt.tablet} does not answer.", settled=False)
        says = f"The MySQL server of {vt.tablet} {'accepts writes' if member.writable else 'is read-only'}."
        return Verification(ok=member.writable == self.writable, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetWritable with the opposite value."""
        yield self._set(vitess(db), not self.writable)

    def _set(self, vt: Vitess, writable: bool) -> Statement:
        return call("SetWritable", tablet_alias=alias_record(vt.tablet), writable=writable)

    def _refuse_second_writer(self, vt: Vitess, own: ShardMember, seen: tuple[ShardMember, ...], primary: str) -> None:
        """Raises Refused unless the tablet is the recorded primary with the newest term, and no other tablet is
        writable."""
        if own.alias != primary or own.tablet.type != "PRIMARY":
            raise Refused(
                f"The type of {own.alias} is {own.tablet.type}, and the shard record of {vt.address} names {primary} "
                "as primary: a second writer would cause a split brain."
            )
        for each in seen:
            if each is own:
                continue
            if (each.tablet.primary_since or 0.0) >= (
                own.tablet.primary_since or 0.0
            ) and each.tablet.type == "PRIMARY":
                raise Refused(
                    f"{each.alias} also has type PRIMARY, and its primary term started at the same time as or after "
                    f"that of {own.alias}. Find out which one is the primary: {runbook_command(vt, 'vitess/shard')}."
                )
            if each.writable:
                raise Refused(
                    f"The MySQL server of {each.alias} accepts writes: a second writer would cause a split brain in "
                    f"{vt.address}. Make it read-only first: /runbook run vitess/shard {each.alias}."
                )
            if each.status is None and each.tablet.type == "PRIMARY":
                raise Refused(
                    f"{each.alias} was the primary before and does not answer ({each.error}). Make sure that it is "
                    "down."
                )
