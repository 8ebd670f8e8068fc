"""Disables the recoveries of all VTOrcs for a limited time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Seconds, Statement, Verification
from actions.diagnostics.vitess.vtorc import vtorc as vtorcs
from actions.vitess_contract import Vitess, runbook_command, vitess, vtorc
from actions.vitess_prechecks import NEEDS_OF_VTORC

LONGEST: Seconds = 3600.0
DISABLE = "/api/disable-global-recoveries"
ENABLE = "/api/enable-global-recoveries"


@dataclass(frozen=True)
class DisableRecoveries(Remediation):
    """Asks every VTOrc to repair nothing in any shard that it watches. A restart of VTOrc enables recoveries again."""

    for_seconds: Seconds = 600.0
    """Time after which recoveries are enabled again; 3600 s at most."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: (
            *NEEDS_OF_VTORC,
            f"vtorc {DISABLE}",
            f"vtorc {ENABLE}",
        ),
    }

    def check(self, db: MySQL) -> None:
        """Refuses while a VTOrc does not answer or has recoveries disabled already, and a time outside 0 to 3600 s."""
        vt = vitess(db)
        if not 0 < self.for_seconds <= LONGEST:
            raise Refused(
                f"Recoveries may be disabled for at most {LONGEST:g} s; {self.for_seconds:g} s were requested."
            )
        seen = vtorcs(vt)
        if not seen.alive or seen.healthy < seen.configured:
            told = f"{seen.healthy} of {seen.configured} are"
            raise Refused(
                f"Not every VTOrc of {vt.cluster} is healthy ({told}), and the request must reach all of them. "
                f"Continue with {runbook_command(vt, 'vitess/vtorc')}."
            )
        if seen.disabled:
            raise Refused(
                f"Recoveries are already disabled at {', '.join(seen.disabled[:5])}. Find out who disabled them, and "
                "why."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """One request, sent to every VTOrc."""
        yield vtorc(DISABLE)

    def cost(self, db: MySQL) -> str:
        """What is not repaired in the meantime."""
        return (
            f"For {self.for_seconds:g} s no VTOrc of {vitess(db).cluster} fails over or repairs replication in any "
            "shard: a primary that dies is not replaced."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while no VTOrc that answers may repair."""
        vt = vitess(db)
        seen = vtorcs(vt)
        done = bool(seen.disabled) and not seen.acting
        says = f"Recoveries are disabled at {len(seen.disabled)} of {seen.configured} VTOrcs."
        return Verification(ok=done, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Enables recoveries at every VTOrc."""
        yield vtorc(ENABLE)

    @property
    def revert_after(self) -> Seconds | None:
        """Recoveries are enabled again automatically."""
        return self.for_seconds
