"""Lets all VTOrcs repair again, where that was left disabled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.vitess.vtorc import vtorc as vtorcs
from actions.remediations.vitess.disable_recoveries import DISABLE, ENABLE, DisableRecoveries
from actions.vitess_contract import Vitess, vitess, vtorc


@dataclass(frozen=True)
class EnableRecoveries(Remediation):
    """Asks every VTOrc to repair again; each then acts at once on the problems that it sees."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = DisableRecoveries.needs

    def check(self, db: MySQL) -> None:
        """Refuses where none is disabled."""
        vt = vitess(db)
        seen = vtorcs(vt)
        if not seen.alive:
            told = "; ".join(seen.missing[:3]) or "none is configured"
            raise Refused(f"No VTOrc of {vt.cluster} is healthy ({told}). Start it; its recoveries are enabled then.")
        if not seen.disabled:
            raise Refused(f"Recoveries are disabled at no VTOrc of {vt.cluster} that answers.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """One request, which goes to every VTOrc."""
        yield vtorc(ENABLE)

    def cost(self, db: MySQL) -> str:
        """What happens then, and whom it may concern."""
        return (
            f"Every VTOrc of {vitess(db).cluster} acts at once on what it sees, in all shards, failovers included. "
            "Whoever disabled them may still work on something: ask first."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good while no VTOrc that answers has them disabled."""
        vt = vitess(db)
        seen = vtorcs(vt)
        done = seen.alive and not seen.disabled
        return Verification(
            ok=done, says=f"Recoveries are disabled at {len(seen.disabled)} of {seen.configured} VTOrcs."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Disables them at every VTOrc, where they are disabled at every one now."""
        seen = vtorcs(vitess(db))
        if len(seen.disabled) < seen.configured:
            raise NoUndo("recoveries are not disabled at every VTOrc, and a request goes to all of them")
        yield vtorc(DISABLE)
