"""The queue of segments, and the two stand-ins for a command that runs its own segment and exits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import sqlalchemy as sa

from bot.engine.segments import Segment, encode

T = TypeVar("T")


class SegmentQueue(Protocol):
    """Accepts segments that run later."""

    def put(self, connection: sa.Connection, run_id: str, segment: Segment, *, delay: float = 0.0) -> None:
        """Enqueues a segment in the caller's transaction, to run after `delay` seconds."""
        ...


class DirectSteps:
    """Steps that are not recorded, for a command that runs one segment and exits."""

    def step(self, name: str, do: Callable[[], T]) -> T:
        return do()


class DirectQueue:
    """Collects segments, as run and stored name, for a command that runs them itself."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, str]] = []
        self.later: list[tuple[str, str]] = []
        """Segments with a delay, which the command does not wait for."""

    def put(self, connection: sa.Connection, run_id: str, segment: Segment, *, delay: float = 0.0) -> None:
        (self.waiting if delay == 0.0 else self.later).append((run_id, encode(segment)))
