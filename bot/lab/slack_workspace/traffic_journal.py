"""The journal of requests between the workspace and its apps, without tokens, and the hub for live updates."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable

from bot.lab.slack_workspace.model import Json, JsonValue

KEPT = 5000
_TOKEN = re.compile(r"\bx(?:ox[a-z]|app)-[\w.-]+")
_SECRET_KEYS = frozenset({"token", "trigger_id", "response_url", "authorization", "ticket"})


def redact(value: JsonValue) -> JsonValue:
    """Returns the value with tokens, trigger ids and response URLs replaced."""
    if isinstance(value, str):
        return _TOKEN.sub("[redacted]", value)
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    if isinstance(value, dict):
        return {key: "[redacted]" if key in _SECRET_KEYS else redact(item) for key, item in value.items()}
    return value


class NewsHub:
    """Publishes updates to all listeners; safe to call from any thread."""

    def __init__(self) -> None:
        self._listeners: dict[asyncio.Queue[Json | None], asyncio.AbstractEventLoop] = {}
        self._closed = False

    def publish(self, news: Json) -> None:
        """Publishes an update; a listener that is 1000 updates behind is dropped and must reload."""
        for queue, loop in list(self._listeners.items()):
            loop.call_soon_threadsafe(self._put, queue, news)

    def _put(self, queue: asyncio.Queue[Json | None], news: Json | None) -> None:
        if queue.qsize() >= 1000:
            self._listeners.pop(queue, None)
            news = None
        queue.put_nowait(news)

    def close(self) -> None:
        """Ends every listener's stream."""
        self._closed = True
        for queue, loop in list(self._listeners.items()):
            loop.call_soon_threadsafe(queue.put_nowait, None)

    async def listen(self) -> AsyncIterator[Json]:
        """Yields news as they come, until the hub closes; `{"type": "idle"}` every 15 s when there is none."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._listeners[queue] = asyncio.get_running_loop()
        try:
            while not self._closed:
                try:
                    news = await asyncio.wait_for(queue.get(), 15)
                except TimeoutError:
                    news = {"type": "idle"}
                if news is None:
                    return
                yield news
        finally:
            self._listeners.pop(queue, None)


class Journal:
    """The last 5000 entries, each with its number `n` and time `t` (Unix seconds)."""

    def __init__(self, hub: NewsHub, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._clock = clock
        self._entries: deque[Json] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, kind: str, name: str, **details: object) -> None:
        """Adds an entry; `kind` is api, event, command, interaction, ack, response_url, upload, socket or fault."""
        self._count += 1
        entry = {"n": self._count, "t": round(self._clock(), 3), "kind": kind, "name": name, **redact(details)}
        self._entries.append(entry)
        self._hub.publish({"type": "journal", "n": self._count})

    def entries(self, after: int = 0, kind: str | None = None) -> list[Json]:
        """Returns the entries with a number above `after`, oldest first."""
        return [entry for entry in list(self._entries) if entry["n"] > after and kind in (None, entry["kind"])]
