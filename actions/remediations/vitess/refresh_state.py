"""Lets vttablets read their records in the topology again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.vitess_contract import Vitess, alias_record, call, vitess
from actions.vitess_prechecks import Member, members


@dataclass(frozen=True)
class RefreshState(Remediation):
    """Calls RefreshState for the tablet, or RefreshStateByShard for all of its shard; no record is changed by it."""

    scope: Literal["tablet", "shard"] = "tablet"

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetTablets", "GetFullStatus", "RefreshState", "RefreshStateByShard"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses where no vttablet that is meant answers."""
        vt = vitess(db)
        seen = self._members(vt)
        if all(each.status is None for each in seen):
            told = "; ".join(f"{each.alias}: {each.error}" for each in seen[:5]) or f"{vt.tablet} is gone"
            raise Refused(f"Nobody of {vt.address} could be asked ({told}). Look at vitess.tablet_status.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """RefreshState, or RefreshStateByShard."""
        vt = vitess(db)
        if self.scope == "tablet":
            yield call("RefreshState", tablet_alias=alias_record(vt.tablet))
        else:
            yield call("RefreshStateByShard", keyspace=vt.keyspace, shard=vt.shard)

    def verify(self, db: MySQL) -> Verification:
        """Good while each of them has the type that the topology records; one that is away is left out."""
        vt = vitess(db)
        seen = [each for each in self._members(vt) if each.status is not None]
        other = [each for each in seen if (each.status or {}).get("tablet_type", each.tablet.type) != each.tablet.type]
        if not seen:
            return Verification(ok=False, says=f"No tablet of {vt.address} answers any more.")
        if other:
            says = f"{', '.join(each.alias for each in other[:5])} does not have the type of its record yet."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"{len(seen)} of the tablets of {vt.address} have the type of their record.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Nothing was changed that could be restored."""
        yield from ()

    def _members(self, vt: Vitess) -> tuple[Member, ...]:
        return members(vt, vt.tablet) if self.scope == "tablet" else members(vt)
