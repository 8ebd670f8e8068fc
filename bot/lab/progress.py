"""Progress of long steps: a bar on stderr for people, nothing for programs."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Reporter(Protocol):
    """Receives the progress of the lab."""

    def step(self, text: str, done: float = 0.0) -> None:
        """Reports the current step; `done` is the finished share of it, from 0 to 1."""


class NoProgress:
    """Discards all progress; for --json and for tests."""

    def step(self, text: str, done: float = 0.0) -> None:
        """Does nothing."""


class ProgressBar:
    """Shows one bar per step on stderr."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None
        self._text = ""

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._task is not None:
            self._progress.update(self._task, completed=1.0)
        self._progress.stop()

    def step(self, text: str, done: float = 0.0) -> None:
        """Shows the step, or updates its bar."""
        if text != self._text or self._task is None:
            if self._task is not None:
                self._progress.update(self._task, completed=1.0)
            self._task = self._progress.add_task(text, total=1.0)
            self._text = text
        self._progress.update(self._task, completed=done)
