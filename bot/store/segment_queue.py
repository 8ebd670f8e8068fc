"""Where segments wait, and the two stand-ins for a command that runs its own segment and ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import sqlalchemy as sa

T = TypeVar("T")


class SegmentQueue(Protocol):
    """Takes a segment to be run later, in the caller's transaction."""

    def put(self, connection: sa.Connection, run_id: str, segment: str, *, delay: float = 0.0) -> None: ...


class DirectSteps:
    """Steps without a record, for a command that runs one segment and ends."""

    def step(self, name: str, do: Callable[[], T]) -> T:
        return do()


class DirectQueue:
    """Collects segments for a command that runs them itself."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str]] = []
        self.later: list[tuple[str, str]] = []
        """Those with a delay, which nobody waits for here."""

    def put(self, connection: sa.Connection, run_id: str, segment: str, *, delay: float = 0.0) -> None:
        (self.waiting if delay == 0.0 else self.later).append((run_id, segment))
