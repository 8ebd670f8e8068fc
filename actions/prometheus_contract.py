"""The reader that actions of Prometheus take, and the series that it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from actions.contract import Seconds


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a series: Unix time in seconds, and the value."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One Prometheus series: its labels and its points, oldest first."""

    labels: Mapping[str, str]
    samples: tuple[Sample, ...]


class Prometheus(Protocol):
    """Reads Prometheus."""

    def instant(self, query: str, *, limit: int = 200) -> list[Series]:
        """Evaluates `query` now; each series has one sample. Raises Unreadable."""
        ...

    def range(self, query: str, *, start: datetime, end: datetime, step: Seconds, limit: int = 50) -> list[Series]:
        """Evaluates `query` from `start` to `end` every `step` seconds. Raises Unreadable."""
        ...
