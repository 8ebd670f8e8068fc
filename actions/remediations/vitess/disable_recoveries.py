"""Keeps all VTOrcs from repairing anything, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Seconds, Statement, Verification
from actions.diagnostics.vitess.vtorc import vtorc as vtorcs
from actions.vitess_contract import Vitess, vitess, vtorc
from actions.vitess_prechecks import NEEDS_OF_VTORC

LONGEST: Seconds = 3600.0
DISABLE = "/api/disable-global-recoveries"
ENABLE = "/api/enable-global-recoveries"


@dataclass(frozen=True)
class DisableRecoveries(Remediation):
    """Asks every VTOrc to repair nothing in any shard that it watches; each of them forgets it when it restarts."""

    for_seconds: Seconds = 600.0

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
        """Refuses while a VTOrc does not answer, or somebody has disabled one, and times without an end."""
        vt = vitess(db)
        if not 0 < self.for_seconds <= LONGEST:
            raise Refused(
                f"Recoveries may be disabled for up to {LONGEST:g} s, and {self.for_seconds:g} s are asked for."
            )
        seen = vtorcs(vt)
        if not seen.alive or seen.healthy < seen.configured:
            told = f"{seen.healthy} of {seen.configured} are"
            raise Refused(f"Not every VTOrc of {vt.cluster} is healthy ({told}); each must be asked. Mend that first.")
        if seen.disabled:
            raise Refused(
                f"Recoveries are disabled at {', '.join(seen.disabled[:5])} already. Ask who did that, and what for."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """One request, which goes to every VTOrc."""
        yield vtorc(DISABLE)

    def cost(self, db: MySQL) -> str:
        """What is not repaired meanwhile."""
        return (
            f"For {self.for_seconds:g} s no VTOrc of {vitess(db).cluster} makes a failover or repairs replication, "
            "in no shard: a primary that dies stays dead."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good while no VTOrc that answers may repair."""
        vt = vitess(db)
        seen = vtorcs(vt)
        done = bool(seen.disabled) and not seen.acting
        says = f"Recoveries are disabled at {len(seen.disabled)} of {seen.configured} VTOrcs."
        return Verification(ok=done, says=says)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Enables them at every VTOrc."""
        yield vtorc(ENABLE)

    @property
    def revert_after(self) -> Seconds | None:
        """They are enabled again by themselves."""
        return self.for_seconds
