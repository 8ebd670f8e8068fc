"""Lets a schema migration cut over whose completion was postponed."""

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
from actions.vitess_contract import Vitess, call, vitess


@dataclass(frozen=True)
class CompleteMigration(Remediation):
    """Completes one migration that is ready on all shards of the target's keyspace and waits for a person."""

    uuid: str

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
        """What changes, and who waits for it."""
        found = self._ready(vitess(db))
        return (
            f"Statements on {found[0].table} wait for some seconds while it is exchanged on each shard, and from then "
            f"on it is as: {found[0].statement} Its owner postponed that on purpose; ask whether the time has come."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once it is complete on all shards; an open transaction on the table holds that up."""
        found = of_uuid(vitess(db), self.uuid)
        failed = [one for one in found if one.status in ("FAILED", "CANCELLED")]
        waiting = [one for one in found if one.status == "RUNNING"]
        says = f"The {told(found)}."
        if failed and failed[0].message:
            says += f" It failed: {failed[0].message}"
        if waiting and waiting[0].message:
            says += f" It waits on {waiting[0].shard}: {waiting[0].message}"
        ok = all(one.status == "COMPLETE" for one in found)
        return Verification(ok=ok, says=says, settled=ok or bool(failed))

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """A completed migration is reverted by another one."""
        raise NoUndo("the table is changed then; REVERT VITESS_MIGRATION brings the former one back while it is kept")

    def _ready(self, vt: Vitess) -> tuple[Migration, ...]:
        found = of_uuid(vt, self.uuid)
        running = [one for one in found if one.status == "RUNNING"]
        if not running:
            raise Refused(f"The {told(found)} of {vt.keyspace} does not run; there is nothing to complete.")
        early = [
            one for one in found if one.status != "COMPLETE" and not (one.status == "RUNNING" and one.ready_to_complete)
        ]
        if early:
            raise Refused(
                f"The {told(found)} of {vt.keyspace} is not ready on {', '.join(one.shard for one in early)} "
                f"({early[0].progress:g} % done). Wait until it is ready on all shards."
            )
        if not any(one.postponed for one in running):
            raise Refused(
                f"The {told(found)} of {vt.keyspace} is not postponed, and cuts over by itself. Where it does not, "
                "somebody holds its table: see vitess.schema_migrations."
            )
        return found
