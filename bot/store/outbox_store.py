"""The wanted messages, kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from bot.engine.outbox_port import Envelope, Message, Priority
from bot.store.database import Database
from bot.store.tables import messages

LONGEST_RETRY = 600.0
"""Seconds after which a message is tried again at the latest, whatever Slack asked for."""
_OUTSIDE = [each for each in messages.c if each.name not in ("payload", "wanted")]
"""All that is known of a message without reading it: many may be due, and few may go at a time."""


class OutboxStore:
    """Implements bot.engine.outbox_port.Outbox on a Database; `woken` is called after each new content."""

    def __init__(
        self, database: Database, *, woken: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._woken = woken
        self._clock = clock

    def put(self, message: Message) -> None:
        content = {
            "channel": message.channel,
            "thread_key": message.root,
            "priority": int(message.priority),
            "payload": json.dumps(message.payload, separators=(",", ":")),
            "wanted": message.digest,
            "put_at": self._clock(),
        }
        fresh = {"key": message.key, "sent": "", "state": "wanted", **content}
        with self._database.briefly() as connection:
            changed = self._database.upsert(
                connection,
                messages,
                fresh,
                keys=["key"],
                update={**content, "attempt": 0},
                where=messages.c.wanted != message.digest,
            )
        if changed:
            self._woken()

    def due(self, *, limit: int = 50) -> Sequence[Envelope]:
        root, now = messages.alias("root"), self._clock()
        query = (
            sa.select(*_OUTSIDE, root.c.ts.label("root_ts"))
            .outerjoin(root, root.c.key == messages.c.thread_key)
            .where(
                messages.c.wanted != messages.c.sent,
                # A time further away than anybody waits was set before the clock was put back.
                sa.or_(messages.c.not_before <= now, messages.c.not_before > now + LONGEST_RETRY),
                sa.or_(messages.c.thread_key.is_(None), root.c.ts.is_not(None)),
            )
            .order_by(messages.c.priority, messages.c.put_at, messages.c.key)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_envelope(row) for row in connection.execute(query).mappings()]

    def content(self, key: str) -> tuple[dict[str, Any], str]:
        query = sa.select(messages.c.payload, messages.c.wanted).where(messages.c.key == key)
        with self._database.reading() as connection:
            row = connection.execute(query).one()
        return json.loads(row.payload), row.wanted

    def waiting(self) -> int:
        """How many messages are not in Slack as they are wanted."""
        query = sa.select(sa.func.count()).select_from(messages).where(messages.c.wanted != messages.c.sent)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def sending(self, key: str) -> None:
        self._update(key, state="sending", attempt=messages.c.attempt + 1)

    def sent(self, key: str, digest: str, ts: str) -> None:
        self._update(key, state="wanted", sent=digest, ts=ts, attempt=0, error="", not_before=0.0)

    def refused(self, key: str, error: str, *, retry_in: float) -> None:
        self._update(key, state="wanted", error=error, not_before=self._clock() + min(retry_in, LONGEST_RETRY))

    def lost(self, key: str, error: str, *, retry_in: float) -> None:
        self._update(key, state="sending", error=error, not_before=self._clock() + retry_in)

    def _update(self, key: str, **values: object) -> None:
        with self._database.briefly() as connection:
            connection.execute(messages.update().where(messages.c.key == key).values(**values))


def _envelope(found: sa.RowMapping) -> Envelope:
    return Envelope(
        key=found["key"],
        channel=found["channel"],
        priority=Priority(found["priority"]),
        ts=found["ts"],
        root_ts=found["root_ts"],
        threaded=found["thread_key"] is not None,
        attempt=found["attempt"],
        doubtful=found["state"] == "sending",
    )
