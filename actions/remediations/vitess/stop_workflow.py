"""Stops the streams of a workflow of VReplication; start_workflow lets them go on where they stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.vitess.workflows import named
from actions.vitess_contract import Vitess, call, vitess

MOVING = ("Running", "Copying", "Init", "Lagging")
"""States of streams that can be stopped."""


@dataclass(frozen=True)
class StopWorkflow(Remediation):
    """Stops one workflow into the target's keyspace on the shards where it works."""

    workflow: str

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetWorkflows", "WorkflowStatus", "WorkflowUpdate")}

    def check(self, db: MySQL) -> None:
        """Refuses a workflow that is unknown, stands already, or has traffic that is switched."""
        self._moving(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Stopped on the shards where it works."""
        vt = vitess(db)
        yield _update(vt, self.workflow, "Stopped", self._moving(vt))

    def cost(self, db: MySQL) -> str:
        """Who falls behind meanwhile."""
        vt = vitess(db)
        shards = self._moving(vt)
        return (
            f"{self.workflow} writes nothing to {vt.keyspace} ({', '.join(shards)}) until it is started again: its "
            "tables fall behind, and the sources must keep their binary logs for it."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once none of its streams works."""
        vt = vitess(db)
        found = named(vt, self.workflow)
        still = [f"{one.shard} is {one.state}" for one in found.streams if one.state in MOVING]
        if still:
            return Verification(ok=False, says=f"{self.workflow}: {', '.join(still)}.", settled=False)
        return Verification(ok=True, says=f"{self.workflow} stands on all shards of {vt.keyspace}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Running on the shards where it works now; a copy goes on where it stood."""
        vt = vitess(db)
        yield _update(vt, self.workflow, "Running", self._moving(vt))

    def _moving(self, vt: Vitess) -> list[str]:
        found = named(vt, self.workflow)
        if found.switching or (found.type in ("MoveTables", "Reshard", "Migrate") and not found.traffic):
            raise Refused(
                f"Traffic of {self.workflow} ({found.type}) into {vt.keyspace} is switched or being switched "
                f"({found.traffic or 'how far could not be read'}), and to stop it would leave the two sides apart. "
                "Whoever switches it completes it or takes it back first."
            )
        moving = sorted({one.shard for one in found.streams if one.state in MOVING})
        if not moving:
            raise Refused(f"{self.workflow} works on no shard of {vt.keyspace}: it is {', '.join(found.states)}.")
        return moving


def _update(vt: Vitess, name: str, state: str, shards: list[str]) -> Statement:
    request = {"workflow": name, "state": state, "shards": shards}
    return call("WorkflowUpdate", keyspace=vt.keyspace, tablet_request=request)
