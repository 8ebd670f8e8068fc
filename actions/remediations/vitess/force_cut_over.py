"""Forces a blocked schema migration to cut over by ending the sessions that hold its table."""

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

NAMED = 5
"""Sessions that the cost names."""


@dataclass(frozen=True)
class ForceCutOver(Remediation):
    """Forces the next cut-over attempt of one migration whose earlier attempts were blocked.

    Vitess then kills every statement that uses the table and every connection that holds a lock on it, including ones
    that are not named here.
    """

    uuid: str
    """The migration's uuid, as vitess.schema_migrations returns it."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetSchemaMigrations", "GetTablets", "ForceCutOverSchemaMigration"),
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
    }
    settles_within: ClassVar[Seconds] = 60.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that is not blocked, and one whose blocking sessions are unknown."""
        self._held_up(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ForceCutOverSchemaMigration, after another check that a session still holds the table."""
        vt = vitess(db)
        self._held_up(vt)
        yield call("ForceCutOverSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """The sessions that are ended, and what each loses."""
        found = self._held_up(vitess(db))
        holders = [holder for one in found for holder in one.holders]
        named = [
            f"session {one.thread_id} of {one.user} on {one.tablet} ({one.age:.0f} s in its transaction, "
            f"{one.rows_modified:,} modified rows{', idle' if one.idle else ''})"
            for one in holders[:NAMED]
        ]
        more = f", and {len(holders) - NAMED} more" if len(holders) > NAMED else ""
        return (
            f"Vitess ends every connection that holds {found[0].table} at that moment. At present these are "
            f"{'; '.join(named)}{more}. Their transactions are rolled back."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once it is complete on all shards."""
        found = migration_by_uuid(vitess(db), self.uuid)
        ended = [one for one in found if one.status in ("FAILED", "CANCELLED")]
        ok = all(one.status == "COMPLETE" for one in found)
        says = f"The {migration_title(found)}."
        waiting = next((one for one in found if one.status == "RUNNING"), None)
        if waiting is not None:
            says += f" On {waiting.shard} it has made {waiting.attempts} attempts; its stage is: {waiting.stage}."
        return Verification(ok=ok, says=says, settled=ok or bool(ended))

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: the rolled-back transactions cannot be restored."""
        raise NoUndo(
            "the sessions have been ended and the table has been changed; REVERT VITESS_MIGRATION restores the former "
            "table"
        )

    def _held_up(self, vt: Vitess) -> list[Migration]:
        """Returns the migration on the shards where it is blocked; raises Refused if it must not be forced."""
        found = migration_by_uuid(vt, self.uuid)
        running = [one for one in found if one.status == "RUNNING"]
        if not running:
            raise Refused(f"The {migration_title(found)} in {vt.keyspace} is not running; there is nothing to force.")
        if any(one.postponed for one in running):
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} was postponed by its owner and is not blocked. Its "
                f"owner completes it with ALTER VITESS_MIGRATION '{self.uuid}' COMPLETE."
            )
        early = [one for one in running if not one.ready_to_complete]
        if early:
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} is not ready on "
                f"{', '.join(one.shard for one in early)} ({early[0].progress:g} % done), so forcing it has no "
                "effect. Wait until it is ready."
            )
        blocked = [one for one in running if one.blocked]
        if not blocked:
            raise Refused(
                f"The {migration_title(found)} in {vt.keyspace} has not tried to cut over yet. Wait a minute."
            )
        held = [one for one in blocked if any(holder.through_vtgate for holder in one.holders)]
        if not held:
            raise Refused(
                f"No client session was found that holds {blocked[0].table} of {vt.keyspace} on "
                f"{', '.join(one.shard for one in blocked)}, so it is unknown which sessions a forced cut-over would "
                f"end. The migration may cut over by itself now; check with {runbook_command(vt, 'vitess/online-ddl')}."
            )
        foreign = [h for one in held for h in one.holders if h.protected]
        if foreign:
            raise Refused(
                f"One of the sessions that hold {blocked[0].table} is protected: {foreign[0].protected} Wait for it, "
                "or ask its owner."
            )
        return held
