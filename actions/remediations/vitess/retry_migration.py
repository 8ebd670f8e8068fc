"""Tries a schema migration again that failed or was cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Seconds, Statement, Verification
from actions.diagnostics.vitess.schema_migrations import Migration, of_uuid, told
from actions.vitess_contract import Vitess, call, vitess

ENDED = ("FAILED", "CANCELLED")


@dataclass(frozen=True)
class RetryMigration(Remediation):
    """Queues one migration again on the shards where it failed or was cancelled; it begins anew there."""

    uuid: str
    cause_mended: bool = False
    """Whether what it failed of is mended; without that it would only fail again."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {Flavour.VITESS: ("GetSchemaMigrations", "RetrySchemaMigration", "CancelSchemaMigration")}
    settles_within: ClassVar[Seconds] = 30.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that has not ended, and one that failed for a reason that is not mended."""
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
            "changed once that is done."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once it waits, runs or is complete on all shards; too early while it is queued nowhere."""
        found = of_uuid(vitess(db), self.uuid)
        failed = [one for one in found if one.status == "FAILED" and one.retries]
        still = [one for one in found if one.status in ENDED]
        if failed:
            says = f"The {told(found)} failed again on {failed[0].shard}: {failed[0].message}"
        else:
            says = f"The {told(found)} is under way." if not still else f"The {told(found)} is not queued yet."
        return Verification(ok=not still, says=says, settled=not still)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """CancelSchemaMigration, which leaves the table as it is; one that is complete by then stays."""
        vt = vitess(db)
        self._ended(vt)
        yield call("CancelSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def _ended(self, vt: Vitess) -> tuple[Migration, ...]:
        found = of_uuid(vt, self.uuid)
        ended = [one for one in found if one.status in ENDED]
        if not ended:
            raise Refused(
                f"The {told(found)} of {vt.keyspace} neither failed nor was cancelled; there is nothing to retry."
            )
        reasons = [one for one in ended if one.status == "FAILED" and one.message and not one.tablet_failure]
        if reasons and not self.cause_mended:
            raise Refused(
                f"The {told(found)} failed on {reasons[0].shard} because of: {reasons[0].message} Mend that first, as "
                "its owner decides, and try it again with cause_mended."
            )
        return found
