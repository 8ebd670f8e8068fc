"""Starts the streams of a workflow of VReplication that stand."""

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
from actions.diagnostics.vitess.workflows import Stream, named
from actions.vitess_contract import Vitess, call, vitess

STANDING = ("Stopped", "Error")


@dataclass(frozen=True)
class StartWorkflow(Remediation):
    """Starts one workflow into the target's keyspace on the shards where it stands, or tries it again."""

    workflow: str
    cause_mended: bool = False
    """Whether what a stream failed of is mended; without that one that failed for good would only fail again."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetWorkflows", "WorkflowStatus", "WorkflowUpdate")}
    settles_within: ClassVar[Seconds] = 20.0
    holds_for: ClassVar[Seconds] = 3.0

    def check(self, db: MySQL) -> None:
        """Refuses a workflow that works, was switched, or stands for a reason that is not mended."""
        self._standing(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Running on the shards where it stands."""
        vt = vitess(db)
        request = {"workflow": self.workflow, "state": "Running", "shards": self._standing(vt)}
        yield call("WorkflowUpdate", keyspace=vt.keyspace, tablet_request=request)

    def cost(self, db: MySQL) -> str:
        """What it has to catch up with."""
        vt = vitess(db)
        late = max((one.lag or 0.0 for one in self._streams(vt)), default=0.0)
        return f"{self.workflow} catches up with {late:.0f} s in {vt.keyspace}, as fast as the throttler lets it."

    def verify(self, db: MySQL) -> Verification:
        """Good when all its streams run or copy, without an error, for three seconds.

        GetWorkflows calls a stream that has just been started `Error` until it has found a source and writes over its
        old message (getStreamState of go/vt/vtctl/workflow/workflows.go), so an error counts only once it stays.
        """
        vt = vitess(db)
        streams = self._streams(vt)
        failed = [one for one in streams if one.state == "Error"]
        if failed:
            says = f"{self.workflow} is in its error on {failed[0].shard}: {failed[0].message}"
            return Verification(ok=False, says=says, settled=False)
        waiting = [f"{one.shard} is {one.state}" for one in streams if one.state not in ("Running", "Copying")]
        if waiting:
            return Verification(ok=False, says=f"{self.workflow}: {', '.join(waiting)}.", settled=False)
        return Verification(ok=True, says=f"{self.workflow} works on all shards of {vt.keyspace}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """WorkflowUpdate to Stopped where it stands now; raises NoUndo where that was an error."""
        vt = vitess(db)
        shards = self._standing(vt)
        if any(one.state == "Error" for one in self._streams(vt)):
            raise NoUndo("a stream that failed and is tried again cannot be brought back into its error")
        request = {"workflow": self.workflow, "state": "Stopped", "shards": shards}
        yield call("WorkflowUpdate", keyspace=vt.keyspace, tablet_request=request)

    def _streams(self, vt: Vitess) -> tuple[Stream, ...]:
        return named(vt, self.workflow).streams

    def _standing(self, vt: Vitess) -> list[str]:
        streams = self._streams(vt)
        if any(one.frozen for one in streams):
            raise Refused(
                f"The traffic of {self.workflow} was switched away from {vt.keyspace}, and its streams are frozen. "
                "Whoever switched it completes it or switches it back."
            )
        standing = [one for one in streams if one.state in STANDING]
        if not standing:
            states = ", ".join(sorted({one.state for one in streams}))
            raise Refused(f"{self.workflow} stands on no shard of {vt.keyspace}: it is {states}.")
        told = [one for one in standing if one.reason]
        if told and not self.cause_mended:
            raise Refused(
                f"{self.workflow} stands on {told[0].shard} ({told[0].tablet}) because of: {told[0].reason} Mend that "
                "first, as its owner decides, and start it with cause_mended."
            )
        return sorted({one.shard for one in standing})
