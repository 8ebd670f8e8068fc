"""Stops the streams of a VReplication workflow; vitess.start_workflow resumes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.vitess.workflows import workflow_by_name
from actions.vitess_contract import Vitess, call, vitess
from actions.vitess_workflows import MOVING_TYPES

MOVING = ("Running", "Copying", "Init", "Lagging")
"""States of streams that can be stopped."""


@dataclass(frozen=True)
class StopWorkflow(Remediation):
    """Stops one workflow into the target's keyspace on the shards where it is running."""

    workflow: str
    """The name of the workflow."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetWorkflows", "WorkflowStatus", "WorkflowUpdate")}

    def check(self, db: MySQL) -> None:
        """Refuses a workflow that is unknown, already stopped, or has switched traffic."""
        self._moving(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Stopped on the shards where it is running."""
        vt = vitess(db)
        yield _update(vt, self.workflow, "Stopped", self._moving(vt))

    def cost(self, db: MySQL) -> str:
        """What falls behind in the meantime."""
        vt = vitess(db)
        shards = self._moving(vt)
        return (
            f"{self.workflow} writes nothing to {vt.keyspace} ({', '.join(shards)}) until it is started again: its "
            "tables fall behind, and its sources must keep their binary logs."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once none of its streams runs."""
        vt = vitess(db)
        found = workflow_by_name(vt, self.workflow)
        still = [f"{one.shard} is {one.state}" for one in found.streams if one.state in MOVING]
        if still:
            return Verification(ok=False, says=f"{self.workflow}: {', '.join(still)}.", settled=False)
        return Verification(ok=True, says=f"{self.workflow} is stopped on all shards of {vt.keyspace}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Running on the shards where it is running now; a copy resumes where it stopped."""
        vt = vitess(db)
        yield _update(vt, self.workflow, "Running", self._moving(vt))

    def _moving(self, vt: Vitess) -> list[str]:
        found = workflow_by_name(vt, self.workflow)
        if found.switching or (found.type in MOVING_TYPES and not found.traffic):
            raise Refused(
                f"Traffic of {self.workflow} ({found.type}) into {vt.keyspace} is switched or being switched "
                f"({found.traffic or 'how far could not be read'}), and stopping it would let the two sides diverge. "
                "Ask its owner to complete or reverse the switch first."
            )
        moving = sorted({one.shard for one in found.streams if one.state in MOVING})
        if not moving:
            raise Refused(
                f"{self.workflow} is running on no shard of {vt.keyspace}: it is {', '.join(found.states)}. There is "
                "nothing to stop."
            )
        return moving


def _update(vt: Vitess, name: str, state: str, shards: list[str]) -> Statement:
    request = {"workflow": name, "state": state, "shards": shards}
    return call("WorkflowUpdate", keyspace=vt.keyspace, tablet_request=request)
