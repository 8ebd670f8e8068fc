"""How often a costly statement may be read on one server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from actions.contract import Unreadable

EVERY = 60.0
"""Seconds between two costly statements on one server."""


class CostGate:
    """Lets one costly statement pass a minute for each server; safe to share between threads."""

    def __init__(self, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}

    def admit(self, address: str) -> None:
        """Passes, or raises Unreadable that says when one may look again.

        A statement counts as soon as it passes, whether or not it is answered: what it costs, it costs the server
        either way.
        """
        with self._lock:
            now = self._clock()
            last = self._last.get(address)
            if last is not None and now - last < self._every:
                raise Unreadable(
                    f"{address} was asked this {now - last:.0f} s ago, and the answer can stall a server; "
                    f"ask again in {self._every - (now - last):.0f} s."
                )
            self._last = {known: at for known, at in self._last.items() if now - at < self._every}
            self._last[address] = now
