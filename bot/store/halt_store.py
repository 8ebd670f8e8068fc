"""The halt switch, kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from bot.guards.facts import Halt
from bot.store import audit_log
from bot.store.store_base import StoreBase
from bot.store.tables import halts


class HaltStore(StoreBase):
    """What people have halted."""

    def halts(self) -> Sequence[Halt]:
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(halts).order_by(halts.c.scope)).all()
        return [Halt(row.by, row.reason, datetime.fromtimestamp(row.since, UTC), row.scope) for row in rows]

    def set_halt(self, halt: Halt, *, actor: str) -> None:
        values = {
            "scope": halt.scope,
            "by": halt.by,
            "reason": halt.reason.replace("\0", " "),
            "since": halt.since.timestamp(),
        }
        with self.database.transaction() as connection:
            self.database.upsert(connection, halts, values, keys=["scope"], update=values)
            audit_log.append(connection, "halt.set", actor, halt.scope or "everything", {"reason": halt.reason})

    def lift_halt(self, scope: str, *, actor: str) -> bool:
        with self.database.transaction() as connection:
            lifted = connection.execute(halts.delete().where(halts.c.scope == scope)).rowcount > 0
            if lifted:
                audit_log.append(connection, "halt.lifted", actor, scope or "everything", {})
            return lifted
