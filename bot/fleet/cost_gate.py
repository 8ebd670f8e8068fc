"""Limits how often a costly statement is run on one server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from actions.contract import Unreadable

EVERY = 60.0
"""Seconds between two costly statements on one server."""


class CostGate:
    """Allows one costly statement per minute and server; safe to share between threads."""

    def __init__(self, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def admit(self, address: str) -> None:
        """Counts a costly statement, or raises Unreadable that says when the next one is allowed.

        A statement counts whether or not it is answered, since it costs the server the same.
        """
        with self._lock:
            now = self._clock()
            last = self._last.get(address)
            if last is not None and now - last < self._every:
                raise Unreadable(
                    f"{address} ran a costly statement {now - last:.0f} s ago. Since it can stall the server, the next "
                    f"one is allowed in {self._every - (now - last):.0f} s."
                )
            self._last = {known: at for known, at in self._last.items() if now - at < self._every}
            self._last[address] = now
