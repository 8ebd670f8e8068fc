"""Cancels a schema migration that is pending or running."""

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
from actions.diagnostics.vitess.schema_migrations import PENDING, Migration, migration_by_uuid, migration_title
from actions.vitess_contract import Vitess, call, vitess

OPEN = (*PENDING, "RUNNING")
"""States in which a migration can be cancelled."""


@dataclass(frozen=True)
class CancelMigration(Remediation):
    """Cancels one migration on all shards of the target's keyspace; its table stays unchanged."""

    uuid: str
    """The migration's uuid, as vitess.schema_migrations returns it."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchemaMigrations", "CancelSchemaMigration")}
    settles_within: ClassVar[Seconds] = 20.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that has ended, or is complete on one of its shards."""
        self._cancellable(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """CancelSchemaMigration."""
        vt = vitess(db)
        self._cancellable(vt)
        yield call("CancelSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """How much copied work is discarded."""
        found = self._cancellable(vitess(db))
        rows = sum(one.rows_copied for one in found)
        return (
            f"The {migration_title(found)} is cancelled, and the {rows:,} rows that it has copied are discarded. A "
            "retry starts from the beginning."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once it is cancelled on all shards."""
        found = migration_by_uuid(vitess(db), self.uuid)
        ended = all(one.status in ("CANCELLED", "FAILED") for one in found)
        complete = any(one.status == "COMPLETE" for one in found)
        return Verification(ok=ended, says=f"The {migration_title(found)}.", settled=ended or complete)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: a cancelled migration cannot be resumed."""
        again = f"ALTER VITESS_MIGRATION '{self.uuid}' RETRY"
        raise NoUndo(f"the rows that it had copied are discarded; {again} starts it from the beginning")

    def _cancellable(self, vt: Vitess) -> tuple[Migration, ...]:
        found = migration_by_uuid(vt, self.uuid)
        if not any(one.status in OPEN for one in found):
            raise Refused(f"The {migration_title(found)} in {vt.keyspace} has ended; there is nothing to cancel.")
        if any(one.status == "COMPLETE" for one in found):
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} is complete on some shards; cancelling it on the "
                "others would leave the shards with different tables. Let it complete, or revert it where it is "
                f"complete (REVERT VITESS_MIGRATION '{self.uuid}')."
            )
        return found
