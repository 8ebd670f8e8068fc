"""Lets a schema migration with a postponed completion cut over."""

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
from actions.vitess_contract import Vitess, call, runbook_command, vitess


@dataclass(frozen=True)
class CompleteMigration(Remediation):
    """Completes one migration that is ready on all shards of the target's keyspace and has a postponed completion."""

    uuid: str
    """The migration's uuid, as vitess.schema_migrations returns it."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchemaMigrations", "CompleteSchemaMigration")}
    settles_within: ClassVar[Seconds] = 60.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that is not postponed, or not ready on all its shards."""
        self._ready(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """CompleteSchemaMigration."""
        vt = vitess(db)
        self._ready(vt)
        yield call("CompleteSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """What changes, and which statements wait."""
        found = self._ready(vitess(db))
        return (
            f"Statements on {found[0].table} wait for a few seconds on each shard while the tables are swapped. The "
            f"change: {found[0].statement} Its owner postponed the completion on purpose; ask before you approve."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once it is complete on all shards. An open transaction on the table delays that."""
        found = migration_by_uuid(vitess(db), self.uuid)
        failed = [one for one in found if one.status in ("FAILED", "CANCELLED")]
        waiting = [one for one in found if one.status == "RUNNING"]
        says = f"The {migration_title(found)}."
        if failed and failed[0].message:
            says += f" It failed: {failed[0].message}"
        if waiting and waiting[0].message:
            says += f" It is waiting on {waiting[0].shard}: {waiting[0].message}"
        ok = all(one.status == "COMPLETE" for one in found)
        return Verification(ok=ok, says=says, settled=ok or bool(failed))

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: a completed migration can only be reverted by another migration."""
        raise NoUndo(
            "the table has been changed; REVERT VITESS_MIGRATION restores the former table while Vitess keeps it"
        )

    def _ready(self, vt: Vitess) -> tuple[Migration, ...]:
        found = migration_by_uuid(vt, self.uuid)
        running = [one for one in found if one.status == "RUNNING"]
        if not running:
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} is not running; there is nothing to complete."
            )
        early = [
            one for one in found if one.status != "COMPLETE" and not (one.status == "RUNNING" and one.ready_to_complete)
        ]
        if early:
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} is not ready on "
                f"{', '.join(one.shard for one in early)} ({early[0].progress:g} % done). Wait until it is ready on "
                "all shards."
            )
        if not any(one.postponed for one in running):
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} is not postponed and cuts over by itself. If it does "
                f"not, a session holds a lock on its table; find it with {runbook_command(vt, 'vitess/online-ddl')}."
            )
        return found
