"""Drops what a schema migration that has ended left behind."""

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
from actions.diagnostics.vitess.schema_migrations import Migration, of_uuid, told
from actions.diagnostics.vitess.workflows import workflows
from actions.vitess_contract import Vitess, call, vitess

ENDED = ("COMPLETE", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class CleanupMigration(Remediation):
    """Lets Vitess drop the tables that one migration keeps before their time; it cannot be reverted any more."""

    uuid: str

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetSchemaMigrations", "GetWorkflows", "WorkflowStatus", "CleanupSchemaMigration")
    }
    settles_within: ClassVar[Seconds] = 60.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that has not ended or keeps nothing, and while a stream may still read what it keeps."""
        self._kept(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """CleanupSchemaMigration."""
        vt = vitess(db)
        self._kept(vt)
        yield call("CleanupSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """What is lost."""
        found = self._kept(vitess(db))
        shards = ", ".join(one.shard for one in found if one.artifacts)
        return f"What is kept of the {told(found)} is dropped on {shards}: it cannot be reverted any more."

    def verify(self, db: MySQL) -> Verification:
        """Good once Vitess has cleaned up on all shards, which it looks for once a minute."""
        found = [one for one in of_uuid(vitess(db), self.uuid) if one.artifacts and not one.cleaned_up]
        if found:
            says = f"The tables of the {told(tuple(found))} are still kept; Vitess drops them within a minute."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"Nothing is kept of migration {self.uuid} any more.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Dropped tables do not come back."""
        raise NoUndo("the former table is dropped")

    def _kept(self, vt: Vitess) -> tuple[Migration, ...]:
        found = of_uuid(vt, self.uuid)
        if any(one.status not in ENDED for one in found):
            raise Refused(f"The {told(found)} of {vt.keyspace} has not ended; cancel it or let it complete first.")
        if not any(one.artifacts and not one.cleaned_up for one in found):
            raise Refused(f"The {told(found)} of {vt.keyspace} keeps nothing any more.")
        # A stream that reads binary logs from before the drop looks for the table in the schema of today, and fails.
        seen = workflows(vt)
        behind = [one for one in seen.streams if one.state != "Running" or (one.lag or 0.0) > 60.0]
        if behind:
            raise Refused(
                f"Stream {behind[0].id} of {behind[0].workflow} on {behind[0].shard} is {behind[0].state} and reads "
                "what was written before; a table that is dropped meanwhile makes it fail. Wait until it has caught up."
            )
        return found
