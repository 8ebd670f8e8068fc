"""The replicas of the bot: which are alive, which one leads, and what becomes of the work of a dead one.

Each replica writes a heartbeat. The leader looks for those that stopped, takes them off the list, and hands what they
had in flight to the queue again. A replica that finds itself off the list was taken for dead, because it was stopped or
cut off for too long: it ends, since others may do its work already. All times are the database's own, so that no clock
of a replica matters.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from bot.errors import StoreDown
from bot.store import audit_log
from bot.store.database import Database
from bot.store.tables import leaders, replicas

log = logging.getLogger(__name__)

BEAT = 1.0
"""Seconds between two heartbeats."""
DEAD_AFTER = 5.0
"""Seconds without one after which a replica counts as dead."""
LEADER = "leader"


@dataclass
class Replica:
    """This process among the replicas."""

    database: Database
    recover: Callable[[Sequence[str]], None]
    """Hands on what is in flight in the name of a replica that is none of these, which are all that live."""
    version: str
    """The order of steps that this replica knows."""
    taken_for_dead: Callable[[], None]
    """Called once, from a thread of its own, when others have taken this one for dead."""
    id: str = field(default_factory=lambda: f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(4)}")
    beat: float = BEAT
    dead_after: float = DEAD_AFTER
    clock: Callable[[], float] = time.monotonic
    _leads_until: float = field(default=0.0, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="heartbeat", daemon=True)

    def register(self) -> None:
        """Puts this replica on the list; raises StoreDown. Before this nothing may be done in its name."""
        with self.database.briefly() as connection:
            now = _now(connection)
            where = f"{socket.gethostname()}, process {os.getpid()}"[:120]
            connection.execute(
                replicas.insert().values(id=self.id, where=where, version=self.version, started_at=now, beat_at=now)
            )
        self._lead()

    def start(self) -> None:
        """Beats from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Takes this replica off the list, so that nobody waits for it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(self.dead_after)
        try:
            with self.database.briefly() as connection:
                connection.execute(replicas.delete().where(replicas.c.id == self.id))
                connection.execute(leaders.delete().where(leaders.c.replica == self.id))
        except StoreDown as error:
            log.warning("the others will take this replica for dead: %s", error)

    def leads(self) -> bool:
        """Whether this one leads now. It forgets that by its own clock before another one can begin to."""
        return self.clock() < self._leads_until

    def versions(self) -> set[str]:
        """Those of all replicas that live."""
        with self.database.reading() as connection:
            return {str(row.version) for row in connection.execute(sa.select(replicas.c.version))}

    def _work(self) -> None:
        while not self._stopping.wait(self.beat):
            try:
                if not self.beaten():
                    log.error("the others took this replica for dead: it was stopped or cut off too long")
                    self._leads_until = 0.0
                    self.taken_for_dead()
                    return
            except StoreDown as error:
                log.warning("no heartbeat: %s", error)
            except Exception:
                # The edge of this thread: without heartbeats the others would take this replica for dead.
                log.exception("the heartbeat stumbled")

    def beaten(self) -> bool:
        """One heartbeat, and what the leader does at each; False when this replica is not on the list any more."""
        with self.database.briefly() as connection:
            mine = replicas.update().where(replicas.c.id == self.id).values(beat_at=_now(connection))
            if connection.execute(mine).rowcount == 0:
                return False
        if self._lead():
            self._reap()
        return True

    def _lead(self) -> bool:
        """Leads on, or takes over where nobody does."""
        asked = self.clock()
        with self.database.briefly() as connection:
            now = _now(connection)
            values = {"role": LEADER, "replica": self.id, "until": now + self.dead_after}
            free = sa.or_(leaders.c.replica == self.id, leaders.c.until < now)
            taken = self.database.upsert(connection, leaders, values, keys=["role"], update=values, where=free)
        self._leads_until = asked + self.dead_after - self.beat if taken else 0.0
        return taken

    def _reap(self) -> None:
        """Takes the dead off the list, and hands on what is in flight in the name of anybody who is not on it."""
        with self.database.briefly() as connection:
            late = replicas.c.beat_at < _now(connection) - self.dead_after
            dead = [str(row.id) for row in connection.execute(sa.select(replicas.c.id).where(late))]
            connection.execute(replicas.delete().where(replicas.c.id.in_(dead)))
            alive = [str(row.id) for row in connection.execute(sa.select(replicas.c.id))]
        for each in dead:
            log.warning("replica %s is dead; its work is handed on", each)
            with self.database.transaction() as connection:
                audit_log.append(connection, "replica.died", "firstmate", each, {"found_by": self.id})
        self.recover(alive)


def _now(connection: sa.Connection) -> float:
    """The database's own time, in seconds since 1970."""
    if connection.dialect.name == "sqlite":
        return float(connection.execute(sa.text("SELECT (julianday('now') - 2440587.5) * 86400.0")).scalar_one())
    return float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
