"""Deletes what is older than it must be kept, in small pieces, so that nobody waits for it.

The audit log stays a chain: what is cut off its beginning is named in a row of its own, with the hash of the last row
that is gone, and `verify` asks for that row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from bot.config import Retention
from bot.store import audit_log
from bot.store.database import Database
from bot.store.run_records import UNDER_WAY
from bot.store.tables import alerts, changes, decisions, intents, messages, runs
from bot.store.tables import audit as audit_rows

log = logging.getLogger(__name__)

PIECE = 200
"""Runs, or rows of the audit log, that one transaction deletes."""


class Finished(Protocol):
    """The queue, as far as it is cleaned up."""

    def forget(self, before: datetime, limit: int) -> int:
        """Deletes segments that ended before; returns how many, at most `limit`."""
        ...


@dataclass(frozen=True, slots=True)
class Deleted:
    """What one purge deleted."""

    runs: int
    segments: int
    events: int


@dataclass(frozen=True, slots=True)
class Purger:
    """Deletes what has had its time."""

    database: Database
    finished: Finished
    keep: Retention
    go_on: Callable[[], bool] = lambda: True
    """Whether there is time for another piece."""

    def purge_expired(self, now: datetime) -> Deleted:
        """Deletes everything that is too old, piece by piece."""
        before = now - timedelta(days=self.keep.run_days)
        found = Deleted(
            runs=self._pieces(lambda: self._runs(before)),
            segments=self._pieces(lambda: self.finished.forget(before, PIECE)),
            events=self._pieces(lambda: self._events(now)) if self.keep.audit_days is not None else 0,
        )
        if found != Deleted(0, 0, 0):
            log.info(
                "deleted %s runs, %s segments and %s events of the audit log", found.runs, found.segments, found.events
            )
        return found

    def _pieces(self, delete: Callable[[], int]) -> int:
        total = 0
        while self.go_on():
            deleted = delete()
            total += deleted
            if deleted < PIECE:
                break
        return total

    def _runs(self, before: datetime) -> int:
        """One piece of runs that have ended, with all that belongs to them alone.

        A run that others of its incident came after stays as long as they do: its card begins their thread.
        """
        alive = sa.or_(runs.c.state.in_(UNDER_WAY), runs.c.opened_at >= before.timestamp())
        old = sa.select(runs.c.id, runs.c.incident).where(
            sa.not_(alive), runs.c.incident.not_in(sa.select(runs.c.incident).where(alive))
        )
        with self.database.transaction() as connection:
            found = connection.execute(old.order_by(runs.c.opened_at).limit(PIECE)).all()
            if not found:
                return 0
            ids, incidents = [row.id for row in found], {row.incident for row in found}
            for table in (decisions, intents, changes):
                connection.execute(table.delete().where(table.c.run.in_(ids)))
            for run_id in ids:
                connection.execute(messages.delete().where(messages.c.key.startswith(f"{run_id}:", autoescape=True)))
            connection.execute(runs.delete().where(runs.c.id.in_(ids)))
            left = sa.select(runs.c.incident).where(runs.c.incident.in_(incidents))
            gone = sa.and_(alerts.c.incident.in_(incidents), alerts.c.incident.not_in(left))
            connection.execute(alerts.delete().where(gone))
            data = {"runs": len(ids), "before": before.isoformat()}
            audit_log.append(connection, "retention.deleted", "firstmate", "runs", data)
        return len(ids)

    def _events(self, now: datetime) -> int:
        """One piece of the audit log's beginning."""
        assert self.keep.audit_days is not None
        before = (now - timedelta(days=self.keep.audit_days)).astimezone(UTC).isoformat()
        with self.database.transaction() as connection:
            piece = sa.select(audit_rows.c.seq, audit_rows.c.hash, audit_rows.c.at).order_by(audit_rows.c.seq)
            found = [row for row in connection.execute(piece.limit(PIECE)) if row.at < before]
            if not found:
                return 0
            audit_log.trim(connection, through=found[-1].seq, rows=len(found))
        return len(found)
