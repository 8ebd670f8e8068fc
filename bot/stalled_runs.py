"""Restarts runs that have stopped making progress, and deletes old records once an hour.

A run stalls when a segment ends without moving it to its next state: the store was full or unreachable when the segment
wanted to save its result, or a newer version has other steps. Its segment is then enqueued again. The intents prevent a
change from being made twice.
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
from bot.engine import segments
from bot.engine.run import RunState
from bot.engine.segments import Kind, Segment
from bot.errors import FirstmateError
from bot.store.run_store import RunStore

log = logging.getLogger(__name__)

INTERVAL = 10.0
"""Seconds between two checks."""
PURGE_INTERVAL = timedelta(hours=1)
PATIENCE = timedelta(seconds=20)
"""How long after its opening, or past its deadline, a run may stay in a state before it counts as stalled."""
ATTEMPTS = 5
"""How often the segment of a stalled run is enqueued again before the run is ended as failed."""
AWAITED = {
    RunState.TRIAGING: Kind.TRIAGE,
    RunState.WAITING: Kind.EXPIRE,
    RunState.APPROVED: Kind.CHANGE,
    RunState.CHANGING: Kind.CHANGE,
    RunState.PAUSED: Kind.UNPAUSE,
    RunState.WATCHING: Kind.EFFECT,
}
"""The kind of segment that moves a run out of each state."""


class Queue(Protocol):
    """The part of the queue that is used here."""

    def idle(self, run_id: str, kind: Kind) -> bool:
        """Returns whether the run has no segment of this kind queued, delayed or in flight."""
        ...

    def enqueue_again(self, run_id: str, segment: Segment) -> None:
        """Enqueues a segment although one of the same name has ended."""
        ...

    def take_over_segments(self, alive: Collection[str] = ()) -> int:
        """Restarts the segments of earlier versions, except those that are alive in other replicas."""
        ...


@dataclass
class StalledRuns:
    """Checks for stalled runs every few seconds, in the replica that leads."""

    store: RunStore
    queue: Queue
    give_up: Callable[[str, str], None]
    """Ends a run as failed, with the reason."""
    leads: Callable[[], bool] = lambda: True
    versions: Callable[[], Collection[str]] = set
    """Returns the interpreter versions of all replicas that are alive."""
    share_halt: Callable[[], None] = lambda: None
    """Called at each check in every replica, also in those that do not lead."""
    purge: Callable[[datetime], object] = lambda _: None
    """Deletes the records whose retention has ended."""
    stopping: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], datetime] = utc_now
    _purged_at: datetime | None = field(default=None, init=False)
    _attempts: Counter[str] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="stalled-runs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(INTERVAL)

    def _work(self) -> None:
        while not self.stopping.wait(INTERVAL):
            try:
                self.check()
            except FirstmateError as error:
                log.warning("stalled runs could not be checked; the next attempt is in %s s: %s", INTERVAL, error)
            except Exception:
                # The edge of this thread, which must survive any error.
                log.exception("the check for stalled runs failed; the next attempt is in %s s", INTERVAL)

    def check(self) -> None:
        """Checks once: takes over segments, restarts stalled runs, and purges when an hour has passed."""
        self.share_halt()
        if not self.leads():
            return
        self.queue.take_over_segments(self.versions())
        self._restart_stalled()
        if self._purged_at is None or self.now() - self._purged_at >= PURGE_INTERVAL:
            self._purged_at = self.now()
            self.purge(self.now())

    def _restart_stalled(self) -> None:
        for run_id, state in self.store.still(before=self.now() - PATIENCE):
            # Only the awaited kind counts: the expiry of an approval stays queued after the approval came.
            if not self.queue.idle(run_id, AWAITED[state]):
                continue
            self._attempts[run_id] += 1
            if self._attempts[run_id] > ATTEMPTS:
                self.give_up(run_id, f'its state was still "{state.label}" after {ATTEMPTS} attempts to continue it')
                continue
            segment = self._segment(run_id, state)
            if segment is None:
                continue
            log.warning("run %s is %s and has no segment; its segment is enqueued again", run_id, state.value)
            self.store.audit("run.moved_on", actor="firstmate", subject=run_id, state=state.value)
            self.queue.enqueue_again(run_id, segment)

    def _segment(self, run_id: str, state: RunState) -> Segment | None:
        """The segment that moves the run out of this state; None when the run has changed meanwhile."""
        match state:
            case RunState.TRIAGING:
                return segments.Triage()
            case RunState.WAITING:
                return segments.Expire()
            case RunState.WATCHING:
                # A number of its own, so that the checks after it are new segments, too.
                return segments.Effect(int(self.now().timestamp()))
            case RunState.PAUSED:
                run = self.store.run(run_id)
                return (
                    segments.Unpause.of(run.pause_request.at)
                    if run is not None and run.pause_request is not None
                    else None
                )
            case _:
                return segments.Change()
