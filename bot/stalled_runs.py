"""Looks after runs that nobody moves, and after what has had its time.

A segment that ended without moving its run on is queued once more.

It happens when the store was full or away while a segment wanted to write what it had found, or when a newer version
knows another order of steps. Whatever is done twice by this is held by the intents.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import utc_now
from bot.engine.run import RunState
from bot.errors import FirstmateError
from bot.store.run_store import RunStore

log = logging.getLogger(__name__)

EACH = 10.0
"""Seconds between two looks."""
SWEEP_EACH = timedelta(hours=1)
PATIENCE = timedelta(seconds=20)
"""What a run may take to leave the state that it was opened in before anybody looks."""
TRIES = 5
"""How often a run is moved before it is given up, visibly."""
SEGMENTS = {
    # Its watch and its second look begin so, too.
    RunState.TRIAGING: "triage",
    RunState.WAITING: "expire",
    RunState.APPROVED: "change",
    RunState.CHANGING: "change",
    RunState.PAUSED: "unpause",
}


class Segments(Protocol):
    """The queue, as far as the janitor needs it."""

    def idle(self, run_id: str, segment: str) -> bool: ...

    def nudge(self, run_id: str, segment: str) -> None: ...

    def adopt(self, alive: Collection[str] = ()) -> int: ...


@dataclass
class StalledRuns:
    """Looks every few seconds, in the replica that leads."""

    store: RunStore
    segments: Segments
    give_up: Callable[[str, str], None]
    """Ends a run, with the reason."""
    leads: Callable[[], bool] = lambda: True
    versions: Callable[[], Collection[str]] = set
    each_time: Callable[[], None] = lambda: None
    """Done at each look in every replica, whether it leads or not."""
    sweep: Callable[[datetime], object] = lambda _: None
    """Deletes what has had its time."""
    now: Callable[[], datetime] = utc_now
    _swept: datetime | None = field(default=None, init=False)
    _tried: Counter[str] = field(default_factory=Counter, init=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="janitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def goes_on(self) -> bool:
        """Whether it is not being stopped."""
        return not self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(EACH)

    def _work(self) -> None:
        while not self._stopping.wait(EACH):
            try:
                self.look()
            except FirstmateError as error:
                log.warning("the janitor waits: %s", error)
            except Exception:
                # The edge of this thread: it must outlive whatever breaks, and says so in the log.
                log.exception("the janitor stumbled")

    def look(self) -> None:
        """Moves what stands still."""
        self.each_time()
        if not self.leads():
            return
        self.segments.adopt(self.versions())
        self._move_on()
        if self._swept is None or self.now() - self._swept >= SWEEP_EACH:
            self._swept = self.now()
            self.sweep(self.now())

    def _move_on(self) -> None:
        for run_id, state in self.store.still(before=self.now() - PATIENCE):
            # The end of an approval that came is queued still, and says nothing of the change.
            if not self.segments.idle(run_id, SEGMENTS[state]):
                continue
            self._tried[run_id] += 1
            if self._tried[run_id] > TRIES:
                self.give_up(run_id, f"it was {state.value} and could not be moved on {TRIES} times")
                continue
            log.warning("run %s is %s and nothing is queued for it; it is moved on", run_id, state.value)
            self.store.audit("run.moved_on", actor="firstmate", subject=run_id, state=state.value)
            self.segments.nudge(run_id, self._segment(run_id, state))

    def _segment(self, run_id: str, state: RunState) -> str:
        run = self.store.run(run_id)
        if state is RunState.PAUSED and run is not None and run.hold is not None:
            return f"unpause-{run.hold.at.timestamp():.0f}"
        return SEGMENTS[state]
