"""Cancels a schema migration that waits or runs."""

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
from actions.diagnostics.vitess.schema_migrations import PENDING, Migration, of_uuid, told
from actions.vitess_contract import Vitess, call, vitess

OPEN = (*PENDING, "RUNNING")
"""States in which a migration can be cancelled."""


@dataclass(frozen=True)
class CancelMigration(Remediation):
    """Cancels one migration on all shards of the target's keyspace; its table stays as it is."""

    uuid: str

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchemaMigrations", "CancelSchemaMigration")}
    settles_within: ClassVar[Seconds] = 20.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that has ended, or is complete on one of its shards."""
        self._open(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """CancelSchemaMigration."""
        vt = vitess(db)
        self._open(vt)
        yield call("CancelSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """How much work is thrown away."""
        found = self._open(vitess(db))
        rows = sum(one.rows_copied for one in found)
        return f"The {told(found)} is given up, with {rows:,} rows that it has copied. Trying it again begins anew."

    def verify(self, db: MySQL) -> Verification:
        """Good once it is cancelled on all shards."""
        found = of_uuid(vitess(db), self.uuid)
        ended = all(one.status in ("CANCELLED", "FAILED") for one in found)
        complete = any(one.status == "COMPLETE" for one in found)
        return Verification(ok=ended, says=f"The {told(found)}.", settled=ended or complete)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """A cancelled migration does not go on where it stood."""
        raise NoUndo("what it has copied is gone; vitess.retry_migration begins it anew")

    def _open(self, vt: Vitess) -> tuple[Migration, ...]:
        found = of_uuid(vt, self.uuid)
        if not any(one.status in OPEN for one in found):
            raise Refused(f"The {told(found)} of {vt.keyspace} has ended; there is nothing to cancel.")
        if any(one.status == "COMPLETE" for one in found):
            raise Refused(
                f"The {told(found)} of {vt.keyspace} is complete on some shards; cancelled on the others it would "
                "leave them with different tables. Let it complete, or revert it where it is complete (REVERT "
                "VITESS_MIGRATION)."
            )
        return found
