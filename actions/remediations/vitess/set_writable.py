"""Makes the MySQL of a primary writable, or that of a replica read-only, while VTOrc does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, alias_record, call, vitess
from actions.vitess_prechecks import NEEDS_OF_VTORC, Member, left_to_vtorc, members, primary_alias


@dataclass(frozen=True)
class SetWritable(Remediation):
    """Calls SetWritable: true on the shard's one primary, or false on any other tablet."""

    writable: bool

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
        """Refuses what would give the shard two writers or none, and what VTOrc does by itself."""
        vt = vitess(db)
        seen = members(vt)
        own = next((each for each in seen if each.alias == vt.tablet), None)
        if own is None or own.status is None:
            raise Refused(f"{vt.tablet} does not answer ({own.error if own else 'it is gone'}), so nobody can set it.")
        if own.writable == self.writable:
            raise Refused(f"The MySQL of {vt.tablet} {'takes writes' if self.writable else 'is read-only'} already.")
        primary = primary_alias(vt)
        if self.writable:
            self._one_writer(vt, own, seen, primary)
        elif own.alias == primary or own.tablet.type == "PRIMARY":
            raise Refused(
                f"{vt.tablet} is a primary, and all writes of {vt.address} would fail. Demote it by a reparent."
            )
        left_to_vtorc(vt, f"{'makes its primary writable' if self.writable else 'makes its replicas read-only'}")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """SetWritable."""
        yield self._set(vitess(db), self.writable)

    def cost(self, db: MySQL) -> str:
        """What it means for clients."""
        vt = vitess(db)
        if self.writable:
            return f"Writes to {vt.address} succeed again; there must be no other writer, and none was seen."
        return f"Every write to {vt.tablet} fails from then on, but for replication's."

    def verify(self, db: MySQL) -> Verification:
        """Good while the MySQL of the tablet is as wanted."""
        vt = vitess(db)
        (member,) = members(vt, vt.tablet) or (None,)
        if member is None or member.status is None:
            return Verification(ok=False, says=f"{vt.tablet} does not answer.", settled=False)
        says = f"The MySQL of {vt.tablet} {'takes writes' if member.writable else 'is read-only'}."
        return Verification(ok=member.writable == self.writable, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """SetWritable, the other way round."""
        yield self._set(vitess(db), not self.writable)

    def _set(self, vt: Vitess, writable: bool) -> Statement:
        return call("SetWritable", tablet_alias=alias_record(vt.tablet), writable=writable)

    def _one_writer(self, vt: Vitess, own: Member, seen: tuple[Member, ...], primary: str) -> None:
        """Refuses unless the tablet is the primary of the record, with the newest term, and nobody else writes."""
        if own.alias != primary or own.tablet.type != "PRIMARY":
            raise Refused(
                f"{own.alias} is {own.tablet.type}, and the record of {vt.address} names {primary}: a second writer "
                "would split the shard."
            )
        for each in seen:
            if each is own:
                continue
            if (each.tablet.primary_since or 0.0) >= (
                own.tablet.primary_since or 0.0
            ) and each.tablet.type == "PRIMARY":
                raise Refused(f"The term of {each.alias} as primary is as new as that of {own.alias}; look who leads.")
            if each.writable:
                raise Refused(f"The MySQL of {each.alias} takes writes: a second writer would split {vt.address}.")
            if each.status is None and each.tablet.type == "PRIMARY":
                raise Refused(
                    f"{each.alias} was primary before and cannot be asked ({each.error}); see that it is down."
                )
