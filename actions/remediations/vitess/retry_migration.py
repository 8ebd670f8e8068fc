"""Retries a schema migration that failed or was cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Seconds, Statement, Verification
from actions.diagnostics.vitess.schema_migrations import Migration, migration_by_uuid, migration_title
from actions.vitess_contract import Vitess, call, vitess

ENDED = ("FAILED", "CANCELLED")


@dataclass(frozen=True)
class RetryMigration(Remediation):
    """Queues one migration again on the shards where it failed or was cancelled; it starts from the beginning there."""

    uuid: str
    """The migration's uuid, as vitess.schema_migrations returns it."""
    cause_fixed: bool = False
    """Whether the cause of its failure is fixed; otherwise it would only fail again."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchemaMigrations", "RetrySchemaMigration", "CancelSchemaMigration")}
    settles_within: ClassVar[Seconds] = 30.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that has not ended, and one whose cause of failure is not fixed."""
        self._ended(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """RetrySchemaMigration."""
        vt = vitess(db)
        self._ended(vt)
        yield call("RetrySchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """What is copied again."""
        ended = [one for one in self._ended(vitess(db)) if one.status in ENDED]
        rows = sum(one.table_rows for one in ended)
        return (
            f"{ended[0].table} is copied again on {', '.join(one.shard for one in ended)} (about {rows:,} rows), and "
            "swapped once the copy is complete."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once it is pending, running or complete on all shards."""
        found = migration_by_uuid(vitess(db), self.uuid)
        failed = [one for one in found if one.status == "FAILED" and one.retries]
        still = [one for one in found if one.status in ENDED]
        if failed:
            says = f"The {migration_title(found)} failed again on {failed[0].shard}: {failed[0].message}"
        else:
            says = (
                f"The {migration_title(found)} is under way."
                if not still
                else f"The {migration_title(found)} is not queued yet."
            )
        return Verification(ok=not still, says=says, settled=not still)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """CancelSchemaMigration, which leaves the table unchanged; a migration that is complete by then stays."""
        vt = vitess(db)
        self._ended(vt)
        yield call("CancelSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def _ended(self, vt: Vitess) -> tuple[Migration, ...]:
        found = migration_by_uuid(vt, self.uuid)
        ended = [one for one in found if one.status in ENDED]
        if not ended:
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} neither failed nor was cancelled; there is nothing to "
                "retry."
            )
        reasons = [one for one in ended if one.status == "FAILED" and one.message and not one.tablet_failure]
        if reasons and not self.cause_fixed:
            why = reasons[0].message.rstrip(".")
            raise Refused(
                f"The {migration_title(found)} failed on {reasons[0].shard}: {why}. Agree on a fix with its owner. "
                f"Then retry it by hand (ALTER VITESS_MIGRATION '{self.uuid}' RETRY), or with cause_fixed in a runbook."
            )
        return found
