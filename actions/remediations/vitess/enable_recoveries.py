"""Enables the recoveries of all VTOrcs after they were left disabled."""

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
    """Asks every VTOrc to repair again; each acts at once on the problems that it detects."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = DisableRecoveries.needs

    def check(self, db: MySQL) -> None:
        """Refuses if no VTOrc has recoveries disabled."""
        vt = vitess(db)
        seen = vtorcs(vt)
        if not seen.alive:
            told = "; ".join(seen.missing[:3]) or "none is configured"
            raise Refused(f"No VTOrc of {vt.cluster} is healthy ({told}). Start it; a restart enables its recoveries.")
        if not seen.disabled:
            raise Refused(f"No VTOrc of {vt.cluster} that answers has recoveries disabled.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """One request, sent to every VTOrc."""
        yield vtorc(ENABLE)

    def cost(self, db: MySQL) -> str:
        """What VTOrc does next, and who may object."""
        return (
            f"Every VTOrc of {vitess(db).cluster} acts at once on the problems that it detects in all shards, "
            "failovers included. The person who disabled recoveries may still be working on something; ask first."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while no VTOrc that answers has recoveries disabled."""
        vt = vitess(db)
        seen = vtorcs(vt)
        done = seen.alive and not seen.disabled
        return Verification(
            ok=done, says=f"Recoveries are disabled at {len(seen.disabled)} of {seen.configured} VTOrcs."
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Disables recoveries at every VTOrc, if they are disabled at every one now."""
        seen = vtorcs(vitess(db))
        if len(seen.disabled) < seen.configured:
            raise NoUndo("recoveries are disabled at some VTOrcs only, and a request goes to all of them")
        yield vtorc(DISABLE)
