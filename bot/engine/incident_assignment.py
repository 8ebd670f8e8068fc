"""Assigns an incident to the person who takes it, and silences its alert meanwhile if the runbook says so.

A source does not report the end of an alert that is silenced, so it is asked every minute until the silence ends. A
silence ends with the assignment, with the alert, and after a verified change, so that the end of the alert is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.alerts import AlertStatus
from bot.clock import utc_now
from bot.engine.ports import Publisher, Store
from bot.engine.run import Assignment, Run, RunState
from bot.engine.segments import Silenced
from bot.engine.silencing import Silencing
from bot.engine.stored_runs import known_run
from bot.errors import Busy, NotAllowed

CHECK_EVERY = 60.0
"""Seconds between two checks whether a silenced alert still fires."""


@dataclass(frozen=True, slots=True)
class AssignmentPublisher:
    """Publishes a run with its stored assignee: a segment holds its own copy of the run, which may be older."""

    store: Store
    publisher: Publisher

    def publish(self, run: Run) -> None:
        stored = self.store.run(run.id)
        self.publisher.publish(replace(run, taken=stored.taken) if stored is not None else run)


@dataclass(frozen=True, slots=True)
class Assignments:
    """Assigns incidents and hands them back."""

    store: Store
    publisher: Publisher
    silencing: Silencing
    now: Callable[[], datetime] = utc_now

    def take(self, user: str, run: Run) -> Run:
        """Assigns the incident to a person, also if it was assigned before.

        Raises NotAllowed without a firing alert, and Busy when another person was quicker.
        """
        if run.taken is not None and run.taken.user == user:
            return run
        if run.alert is None or run.resolved_at is not None:
            raise NotAllowed(f"Run {run.id} has no firing alert, so there is no incident to take.")
        assignment = self.silencing.silence(run, Assignment(user, self.now()))
        if not self.store.take(run.id, assignment, expect=run.taken, actor=user):
            self.silencing.end(run, assignment)
            raise Busy(f"Somebody else took this incident first; see the card of run {run.id}.")
        self.silencing.end(run, run.taken)
        if assignment.silence:
            self._check_later(run.id, assignment, 0)
        return self._published(run.id)

    def hand_back(self, user: str, run: Run) -> Run:
        """Ends the assignment and its silence."""
        if run.taken is not None:
            self.store.take(run.id, None, expect=run.taken, actor=user)
            self.silencing.end(run, run.taken)
        return self._published(run.id)

    def settle(self, run_id: str) -> None:
        """Ends the silence of a run that is resolved or fixed, so that the source reports the end of the alert."""
        run = self.store.run(run_id)
        if run is None or run.taken is None or not run.taken.silence:
            return
        if run.resolved_at is None and run.state is not RunState.MENDED:
            return
        self.silencing.end(run, run.taken)
        audible = replace(run.taken, silence="", until=None)
        self.store.take(run_id, audible, expect=run.taken, actor="firstmate")
        self._published(run_id)

    def check_silenced(self, run_id: str, number: int) -> None:
        """The segment `silenced`: resolves an alert that ended while it was silenced, else checks again later."""
        run = self.store.run(run_id)
        if run is None or run.alert is None or run.taken is None or not run.taken.silence or run.resolved_at:
            return
        if self.silencing.has_ended(run):
            self.store.resolve(replace(run.alert, status=AlertStatus.RESOLVED, ends_at=self.now()))
        elif run.taken.until is not None and self.now() < run.taken.until:
            self._check_later(run_id, run.taken, number + 1)
        else:
            self.store.take(run_id, replace(run.taken, silence=""), expect=run.taken, actor="firstmate")
            self._published(run_id)

    def _check_later(self, run_id: str, assignment: Assignment, number: int) -> None:
        # The id of the silence makes it a different segment for each assignment.
        self.store.enqueue(run_id, Silenced(number, assignment.silence), delay=CHECK_EVERY)

    def _published(self, run_id: str) -> Run:
        run = known_run(self.store, run_id)
        self.publisher.publish(run)
        return run
