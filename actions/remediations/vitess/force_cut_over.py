"""Lets a schema migration cut over by ending every session that holds its table."""

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

NAMED = 5
"""Sessions that the sentence of the cost names."""


@dataclass(frozen=True)
class ForceCutOver(Remediation):
    """Forces the next attempt to cut over of one migration that tried before and was held up.

    Vitess then kills every statement that uses the table and every connection that holds a lock on it, not only those
    that are named here.
    """

    uuid: str

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    reader: ClassVar[type] = Vitess
    needs: ClassVar[Grants] = {
        Flavour.VITESS: ("GetSchemaMigrations", "GetTablets", "ForceCutOverSchemaMigration"),
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
    }
    settles_within: ClassVar[Seconds] = 60.0

    def check(self, db: MySQL) -> None:
        """Refuses a migration that was not held up, and one of which it is not known who holds it up."""
        self._held_up(vitess(db))

    def change(self, db: MySQL) -> Iterator[Statement]:
        """ForceCutOverSchemaMigration, after another look whether somebody still holds the table."""
        vt = vitess(db)
        self._held_up(vt)
        yield call("ForceCutOverSchemaMigration", keyspace=vt.keyspace, uuid=self.uuid)

    def cost(self, db: MySQL) -> str:
        """The sessions that are ended, with what they would lose."""
        found = self._held_up(vitess(db))
        holders = [holder for one in found for holder in one.holders]
        named = [
            f"session {one.thread_id} of {one.user} on {one.tablet} ({one.age:.0f} s in its transaction, "
            f"{one.rows_modified:,} modified rows{', idle' if one.idle else ''})"
            for one in holders[:NAMED]
        ]
        more = f", and {len(holders) - NAMED} more" if len(holders) > NAMED else ""
        return (
            f"Vitess ends whoever holds {found[0].table} at that moment: {'; '.join(named)}{more}. Their transactions "
            "are rolled back."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good once it is complete on all shards."""
        found = of_uuid(vitess(db), self.uuid)
        ended = [one for one in found if one.status in ("FAILED", "CANCELLED")]
        ok = all(one.status == "COMPLETE" for one in found)
        says = f"The {told(found)}."
        waiting = next((one for one in found if one.status == "RUNNING"), None)
        if waiting is not None:
            says += f" On {waiting.shard} it tried {waiting.attempts} times, and is at: {waiting.stage}."
        return Verification(ok=ok, says=says, settled=ok or bool(ended))

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Transactions that are rolled back do not come back."""
        raise NoUndo(
            "the sessions are ended and the table is changed; REVERT VITESS_MIGRATION brings the former one back"
        )

    def _held_up(self, vt: Vitess) -> list[Migration]:
        """The migration on the shards where it is held up."""
        found = of_uuid(vt, self.uuid)
        running = [one for one in found if one.status == "RUNNING"]
        if not running:
            raise Refused(f"The {told(found)} of {vt.keyspace} does not run; there is nothing to force.")
        if any(one.postponed for one in running):
            raise Refused(
                f"The {told(found)} of {vt.keyspace} is postponed by its owner, and nobody holds it up: see "
                "vitess.complete_migration."
            )
        early = [one for one in running if not one.ready_to_complete]
        if early:
            raise Refused(
                f"The {told(found)} of {vt.keyspace} is not ready on {', '.join(one.shard for one in early)} "
                f"({early[0].progress:g} % done); forcing it would help nothing. Wait until it is."
            )
        blocked = [one for one in running if one.blocked]
        if not blocked:
            raise Refused(f"The {told(found)} of {vt.keyspace} has not tried to cut over yet; give it a minute.")
        held = [one for one in blocked if any(holder.through_vtgate for holder in one.holders)]
        if not held:
            raise Refused(
                f"No client holds {blocked[0].table} of {vt.keyspace} as far as can be seen on "
                f"{', '.join(one.shard for one in blocked)}, so it would not be known whom this ends. Look at "
                "vitess.schema_migrations; it may cut over by itself now."
            )
        foreign = [h for one in held for h in one.holders if h.protected]
        if foreign:
            raise Refused(
                f"Among those who hold {blocked[0].table} is one that is never ended from here: {foreign[0].protected} "
                "Wait for it, or ask its owner."
            )
        return held
