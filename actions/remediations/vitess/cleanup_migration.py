"""Drops the tables that an ended schema migration has kept."""

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
from actions.diagnostics.vitess.schema_migrations import Migration, migration_by_uuid, migration_title
from actions.diagnostics.vitess.workflows import workflows
from actions.vitess_contract import Vitess, call, vitess

ENDED = ("COMPLETE", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class CleanupMigration(Remediation):
    """Makes Vitess drop the tables kept by one migration before they expire; it can then no longer be reverted."""

    uuid: str
    """The migration's uuid, as vitess.schema_migrations returns it."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetSchemaMigrations", "GetWorkflows", "WorkflowStatus", "CleanupSchemaMigration")
    }
    settles_within: ClassVar[Seconds] = 60.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that has not ended or keeps nothing, and while a stream may still need the kept
        tables."""
        self._with_artifacts(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """CleanupSchemaMigration."""
        vt = vitess(db)
        self._with_artifacts(vt)
        yield call("CleanupSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """What is lost."""
        found = self._with_artifacts(vitess(db))
        shards = ", ".join(one.shard for one in found if one.artifacts)
        return f"The kept tables of the {migration_title(found)} are dropped on {shards}: it can no longer be reverted."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once Vitess has cleaned up on all shards; it checks once a minute."""
        found = [one for one in migration_by_uuid(vitess(db), self.uuid) if one.artifacts and not one.cleaned_up]
        if found:
            says = f"The tables of the {migration_title(tuple(found))} still exist; Vitess drops them within a minute."
            return Verification(ok=False, says=says, settled=False)
        return Verification(ok=True, says=f"Migration {self.uuid} keeps no tables.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: dropped tables cannot be restored."""
        raise NoUndo("the former table has been dropped")

    def _with_artifacts(self, vt: Vitess) -> tuple[Migration, ...]:
        found = migration_by_uuid(vt, self.uuid)
        if any(one.status not in ENDED for one in found):
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} has not ended; cancel it or let it complete first."
            )
        if not any(one.artifacts and not one.cleaned_up for one in found):
            raise Refused(f"The {migration_title(found)} in {vt.keyspace} keeps no tables; there is nothing to drop.")
        # A stream that reads binary logs from before the drop looks up the table in today's schema, and fails.
        seen = workflows(vt)
        behind = [one for one in seen.streams if one.state != "Running" or (one.lag or 0.0) > 60.0]
        if behind:
            raise Refused(
                f"Stream {behind[0].id} of {behind[0].workflow} on {behind[0].shard} is {behind[0].state} and behind "
                "its source; it fails if a table is dropped that its binary logs still mention. Wait until it has "
                "caught up."
            )
        return found
