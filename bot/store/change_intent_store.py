"""At most once: what is about to be changed, what was begun, and what of it still counts for the policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from bot.engine.ports import BegunChange, StartResult
from bot.store import audit_log
from bot.store.store_base import StoreBase
from bot.store.tables import acknowledgements, changes, intents, leases


class IntentStore(StoreBase):
    """Intents and what became of them."""

    def intend(self, run_id: str, what: str, digest: str) -> None:
        values = {"run": run_id, "what": what, "state": "intent", "digest": digest, "at": self._clock()}
        with self.database.transaction() as connection:
            if self.database.upsert(connection, intents, values, keys=["run", "what"]):
                audit_log.append(connection, "change.intended", "firstmate", run_id, {"what": what, "digest": digest})

    def begin(self, run_id: str, what: str, *, shard: str, token: int, action: str = "") -> StartResult:
        row = sa.and_(intents.c.run == run_id, intents.c.what == what)
        mine = sa.and_(leases.c.shard == shard, leases.c.run == run_id, leases.c.token == token)
        with self.database.transaction() as connection:
            held = connection.execute(sa.select(leases.c.until).where(mine)).scalar()
            if held is None or held <= self._clock():
                data = {"what": what, "shard": shard, "token": token}
                audit_log.append(connection, "change.fenced", "firstmate", run_id, data)
                return StartResult.FENCED
            begun = connection.execute(
                intents.update().where(row, intents.c.state == "intent").values(state="started", at=self._clock())
            )
            if begun.rowcount != 1:
                audit_log.append(connection, "change.not_repeated", "firstmate", run_id, {"what": what})
                return StartResult.BEFORE
            audit_log.append(connection, "change.started", "firstmate", run_id, {"what": what})
            if action:
                values = {"run": run_id, "what": what, "shard": shard, "action": action, "at": self._clock()}
                connection.execute(changes.insert().values(**values))
            return StartResult.BEGUN

    def begun_at(self, run_id: str, what: str) -> datetime | None:
        row = sa.and_(intents.c.run == run_id, intents.c.what == what, intents.c.state != "intent")
        with self.database.reading() as connection:
            at = connection.execute(sa.select(intents.c.at).where(row)).scalar()
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def finish(self, run_id: str, what: str, outcome: str) -> None:
        row = sa.and_(intents.c.run == run_id, intents.c.what == what)
        with self.database.transaction() as connection:
            connection.execute(intents.update().where(row).values(state="ended", outcome=outcome, at=self._clock()))
            audit_log.append(connection, "change.ended", "firstmate", run_id, {"what": what, "outcome": outcome})

    def changes(self, *, since: datetime, besides: str) -> Sequence[BegunChange]:
        query = sa.select(changes).where(changes.c.at >= since.timestamp(), changes.c.run != besides)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(changes.c.at)).all()
        return [BegunChange(row.run, row.shard, row.action, datetime.fromtimestamp(row.at, UTC)) for row in rows]

    def acknowledge(self, shard: str, *, actor: str) -> None:
        values = {"shard": shard, "by": actor, "at": self._clock()}
        with self.database.transaction() as connection:
            self.database.upsert(connection, acknowledgements, values, keys=["shard"], update=values)
            audit_log.append(connection, "cooldown.acknowledged", actor, shard, {})

    def acknowledged(self, shard: str) -> datetime | None:
        query = sa.select(acknowledgements.c.at).where(acknowledgements.c.shard == shard)
        with self.database.reading() as connection:
            at = connection.execute(query).scalar()
        return None if at is None else datetime.fromtimestamp(at, UTC)
