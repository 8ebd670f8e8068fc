"""Starts the stopped or failed streams of a VReplication workflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import (
    Flavour,
    Grants,
    MySQL,
    NoUndo,
    Refused,
    Remediation,
    Risk,
    Seconds,
    Statement,
    Verification,
)
from actions.diagnostics.vitess.workflows import Stream, workflow_by_name
from actions.vitess_contract import Vitess, call, vitess

STANDING = ("Stopped", "Error")
"""States of streams that can be started."""


@dataclass(frozen=True)
class StartWorkflow(Remediation):
    """Starts one workflow into the target's keyspace on the shards where it is stopped or failed."""

    workflow: str
    """The name of the workflow."""
    cause_fixed: bool = False
    """Whether the cause of a stream's failure is fixed; otherwise a stream with a terminal error would only fail
    again."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetWorkflows", "WorkflowStatus", "WorkflowUpdate")}
    settles_within: ClassVar[Seconds] = 20.0
    holds_for: ClassVar[Seconds] = 3.0

    def check(self, db: MySQL) -> None:
        """Refuses a workflow that is running, has switched traffic, or stopped for a reason that is not fixed."""
        self._standing(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Running on the shards where it is stopped or failed."""
        vt = vitess(db)
        request = {"workflow": self.workflow, "state": "Running", "shards": self._standing(vt)}
        yield call("WorkflowUpdate", keyspace=vt.keyspace, tablet_request=request)

    def cost(self, db: MySQL) -> str:
        """How much it has to catch up."""
        vt = vitess(db)
        late = max((one.lag or 0.0 for one in self._streams(vt)), default=0.0)
        return f"{self.workflow} catches up on {late:.0f} s in {vt.keyspace}, as fast as the throttler allows."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when all its streams run or copy without an error for three seconds.

        GetWorkflows reports `Error` for a stream that was just started until it has found a source and overwrites its
        old message (getStreamState of go/vt/vtctl/workflow/workflows.go), so an error counts only once it stays.
        """
        vt = vitess(db)
        streams = self._streams(vt)
        failed = [one for one in streams if one.state == "Error"]
        if failed:
            says = f"{self.workflow} has failed on {failed[0].shard}: {failed[0].message}"
            return Verification(ok=False, says=says, settled=False)
        waiting = [f"{one.shard} is {one.state}" for one in streams if one.state not in ("Running", "Copying")]
        if waiting:
            return Verification(ok=False, says=f"{self.workflow}: {', '.join(waiting)}.", settled=False)
        return Verification(ok=True, says=f"{self.workflow} is running on all shards of {vt.keyspace}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Stopped where it is stopped now; raises NoUndo if a stream had failed."""
        vt = vitess(db)
        shards = self._standing(vt)
        if any(one.state == "Error" for one in self._streams(vt)):
            raise NoUndo("a stream that had failed cannot be returned to its error")
        request = {"workflow": self.workflow, "state": "Stopped", "shards": shards}
        yield call("WorkflowUpdate", keyspace=vt.keyspace, tablet_request=request)

    def _streams(self, vt: Vitess) -> tuple[Stream, ...]:
        return workflow_by_name(vt, self.workflow).streams

    def _standing(self, vt: Vitess) -> list[str]:
        streams = self._streams(vt)
        if any(one.frozen for one in streams):
            raise Refused(
                f"The traffic of {self.workflow} was switched away from {vt.keyspace}, and its streams are frozen. "
                "Ask its owner to complete the workflow or to switch the traffic back."
            )
        standing = [one for one in streams if one.state in STANDING]
        if not standing:
            states = ", ".join(sorted({one.state for one in streams}))
            raise Refused(
                f"{self.workflow} is stopped on no shard of {vt.keyspace}: it is {states}. There is nothing to start."
            )
        told = [one for one in standing if one.reason]
        if told and not self.cause_fixed:
            why = told[0].reason.rstrip(".")
            by_hand = f"vtctldclient Workflow --keyspace {vt.keyspace} start --workflow {self.workflow}"
            raise Refused(
                f"{self.workflow} stopped on {told[0].shard} ({told[0].tablet}): {why}. Agree on a fix with its owner. "
                f"Then start it by hand ({by_hand}), or with cause_fixed in a runbook."
            )
        return sorted({one.shard for one in standing})
