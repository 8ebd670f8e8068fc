"""One change per shard: who holds it, until when, and with which fencing token."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from bot.store import audit_log
from bot.store.store_base import StoreBase
from bot.store.tables import leases

LEASE = 120.0
"""Seconds for which a change holds the lease of its shard; after that another change may start."""


class ShardLeaseStore(StoreBase):
    """Leases of shards."""

    def lease(self, shard: str, run_id: str, *, seconds: float = LEASE) -> int | None:
        now = self._clock()
        with self.database.transaction() as connection:
            held = connection.execute(sa.select(leases).where(leases.c.shard == shard)).first()
            if held is not None and held.run not in ("", run_id) and held.until > now:
                return None
            token = (held.token if held else 0) + 1
            values = {"shard": shard, "run": run_id, "token": token, "until": now + seconds}
            self.database.upsert(connection, leases, values, keys=["shard"], update=values)
            audit_log.append(connection, "lease.taken", "firstmate", run_id, {"shard": shard, "token": token})
            return token

    def renew(self, shard: str, run_id: str, token: int, *, seconds: float = LEASE) -> bool:
        mine = sa.and_(leases.c.shard == shard, leases.c.run == run_id, leases.c.token == token)
        with self.database.transaction() as connection:
            return connection.execute(leases.update().where(mine).values(until=self._clock() + seconds)).rowcount == 1

    def release(self, shard: str, run_id: str, token: int | None = None) -> None:
        # The row stays, so that the fencing token only ever grows.
        with self.database.transaction() as connection:
            mine = sa.and_(leases.c.shard == shard, leases.c.run == run_id)
            if token is not None:
                mine = sa.and_(mine, leases.c.token == token)
            connection.execute(leases.update().where(mine).values(run="", until=0.0))

    def holder(self, shard: str, *, besides: str) -> tuple[str, datetime] | None:
        with self.database.reading() as connection:
            held = connection.execute(sa.select(leases).where(leases.c.shard == shard)).first()
        if held is None or held.run in ("", besides) or held.until <= self._clock():
            return None
        return held.run, datetime.fromtimestamp(held.until, UTC)
