"""The audit log: one chain of hashes over every event, refusals included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.store.audit_redaction import redacted
from bot.store.tables import audit

TRIMMED = "audit.trimmed"
"""The event that names what was cut off the beginning."""
GENESIS = "0" * 64
"""The `previous` of the first row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit log."""

    seq: int
    at: str
    event: str
    actor: str
    subject: str
    data: str
    previous: str
    hash: str

    def computed(self) -> str:
        """The hash that this row must have."""
        return _hash(self.seq, self.at, self.event, self.actor, self.subject, self.data, self.previous)


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """Where the chain does not hold, and how one sees it."""

    seq: int
    says: str


def append(connection: sa.Connection, event: str, actor: str, subject: str, data: dict[str, Any]) -> None:
    """Appends one event, without secrets, in the caller's transaction, which must hold the write lock."""
    last = connection.execute(sa.select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    seq, previous = (last.seq + 1, last.hash) if last else (1, GENESIS)
    at = datetime.now(UTC).isoformat()
    # What comes from outside may be of any length, and PostgreSQL refuses what is too long.
    actor, subject = actor[:80], str(redacted(subject)).replace("\0", " ")[:120]
    text = json.dumps(redacted(data), sort_keys=True, separators=(",", ":"), default=str)
    digest = _hash(seq, at, event, actor, subject, text, previous)
    connection.execute(
        audit.insert().values(
            seq=seq, at=at, event=event, actor=actor, subject=subject, data=text, previous=previous, hash=digest
        )
    )


def trim(connection: sa.Connection, *, through: int, rows: int) -> None:
    """Deletes the rows up to a number; a new row names it and its hash, and stands for where the chain begins."""
    last = connection.execute(sa.select(audit.c.hash).where(audit.c.seq == through)).scalar_one()
    append(connection, TRIMMED, "firstmate", "audit", {"through": through, "hash": last, "rows": rows})
    connection.execute(audit.delete().where(audit.c.seq <= through))


def entries(connection: sa.Connection, *, newest: int | None = None, after: int = 0) -> Iterator[Entry]:
    """All rows after a number, oldest first; with `newest`, only that many of the last ones."""
    query = sa.select(audit).where(audit.c.seq > after).order_by(audit.c.seq)
    if newest is not None:
        query = sa.select(query.order_by(None).order_by(audit.c.seq.desc()).limit(newest).subquery()).order_by("seq")
    for row in connection.execute(query.execution_options(yield_per=500)):
        yield Entry(**row._mapping)


def latest(connection: sa.Connection, event: str) -> Entry | None:
    """The newest row of an event."""
    query = sa.select(audit).where(audit.c.event == event).order_by(audit.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return Entry(**row._mapping) if row is not None else None


def verify(rows: Iterator[Entry]) -> tuple[int, ChainBreak | None]:
    """Walks the chain and returns how many rows hold, and the first fault: a changed, missing or reordered row.

    Rows cut off at the end leave no trace in the chain itself; compare the count and last hash with a copy kept
    elsewhere (`firstmate audit verify --json` prints both).
    """
    held, seq, previous = 0, 0, GENESIS
    cut: tuple[int, str] | None = None
    for row in rows:
        if held == 0 and row.seq > 1:
            # The beginning was cut off: a later row must say so, with the very hash that this one follows.
            cut = seq, previous = row.seq - 1, row.previous
        if row.seq != seq + 1:
            return held, ChainBreak(row.seq, f"row {seq + 1} is missing: row {row.seq} follows row {seq}")
        if row.previous != previous:
            return held, ChainBreak(row.seq, f"row {row.seq} does not follow row {seq}: it was put in or moved")
        if row.hash != row.computed():
            return held, ChainBreak(row.seq, f"row {row.seq} was changed: its content does not have its hash")
        if cut is not None and row.event == TRIMMED and _cut_by(row) == cut:
            cut = None
        held, seq, previous = held + 1, row.seq, row.hash
    if cut is not None:
        return held, ChainBreak(cut[0] + 1, f"rows 1 to {cut[0]} are missing, and no row says that they were cut off")
    return held, None


def _cut_by(row: Entry) -> tuple[int, str]:
    data = json.loads(row.data)
    return int(data["through"]), str(data["hash"])


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
