"""Somebody takes an incident: the thread says so, and its alert is silent where the runbook wants that.

A source that is silent does not tell either that the alert is over, so it is asked each minute until the silence ends.
A silence ends with the takeover, with the alert, and when a change was verified: then its end must be heard.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.alerts import ALERTMANAGER, AlertStatus
from bot.clock import utc_now
from bot.engine.ports import Publisher, Silencer, Store
from bot.engine.run import Assignment, Run, RunState
from bot.engine.segments import Silenced
from bot.errors import Busy, FirstmateError, NotAllowed, UnknownRun
from bot.runbook.library.load import parse

log = logging.getLogger(__name__)

LOOK_EACH = 60.0
"""Seconds between two looks whether a silenced alert still fires."""


@dataclass(frozen=True, slots=True)
class AssignmentPublisher:
    """A desk that shows who works on it now: a segment holds its own copy of the run, in which nobody may yet."""

    store: Store
    publisher: Publisher

    def publish(self, run: Run) -> None:
        stored = self.store.run(run.id)
        self.publisher.publish(replace(run, taken=stored.taken) if stored is not None else run)


@dataclass(frozen=True, slots=True)
class Assignments:
    """Takes incidents and hands them back."""

    store: Store
    publisher: Publisher
    silencers: Mapping[str, Silencer]
    """Source of alerts -> where its alerts are silenced."""
    now: Callable[[], datetime] = utc_now

    def take(self, user: str, run: Run) -> Run:
        """A person works on it now, instead of whoever did before; raises Busy when somebody was quicker."""
        if run.taken is not None and run.taken.user == user:
            return run
        if run.alert is None or run.resolved_at is not None:
            raise NotAllowed(f"Run {run.id} has no alert that still fires, so there is nothing to take.")
        taken = self._silenced(user, run)
        if not self.store.take(run.id, taken, expect=run.taken, actor=user):
            self._end(run, taken)
            raise Busy(f"Somebody else was quicker; look at the card of run {run.id}.")
        self._end(run, run.taken)
        if taken.silence:
            self._look_later(run.id, taken, 0)
        return self._published(run.id)

    def hand_back(self, user: str, run: Run) -> Run:
        """Nobody works on it any more, and its alert is heard again."""
        if run.taken is not None:
            self.store.take(run.id, None, expect=run.taken, actor=user)
            self._end(run, run.taken)
        return self._published(run.id)

    def settle(self, run_id: str) -> None:
        """Ends the silence of a run that is over or mended, so that the end of its alert is heard."""
        run = self.store.run(run_id)
        if run is None or run.taken is None or not run.taken.silence:
            return
        if run.resolved_at is None and run.state is not RunState.MENDED:
            return
        self._end(run, run.taken)
        heard = replace(run.taken, silence="", until=None)
        self.store.take(run_id, heard, expect=run.taken, actor="firstmate")
        self._published(run_id)

    def look(self, run_id: str, number: int) -> None:
        """The segment `silenced`: an alert that is over and silent is taken for resolved."""
        run = self.store.run(run_id)
        if run is None or run.alert is None or run.taken is None or not run.taken.silence or run.resolved_at:
            return
        try:
            silencer = self._silencer(run)
            over = silencer is not None and not silencer.fires(run.alert.labels)
        except FirstmateError as error:
            log.warning("whether the alert of %s still fires cannot be told: %s", run_id, error)
            over = False
        if over:
            ended = replace(run.alert, status=AlertStatus.RESOLVED, ends_at=self.now())
            self.store.resolve(ended)
        elif run.taken.until is not None and self.now() < run.taken.until:
            self._look_later(run_id, run.taken, number + 1)
        else:
            self.store.take(run_id, replace(run.taken, silence=""), expect=run.taken, actor="firstmate")
            self._published(run_id)

    def _silenced(self, user: str, run: Run) -> Assignment:
        """The takeover, with a silence where the runbook wants one; without an answer it goes on without."""
        plain = Assignment(user, self.now())
        seconds = parse(run.runbook_text, run.runbook).silence if run.runbook_text else None
        if seconds is None or run.alert is None:
            return plain
        silencer = self._silencer(run)
        if silencer is None:
            return replace(plain, says=_not_silenced(run.alert.source))
        try:
            why = f"{run.alert.name}: somebody works on it (run {run.id})"
            silence = silencer.silence(run.alert.labels, seconds=seconds, by=user, why=why)
        except FirstmateError as error:
            return replace(plain, says=f"Not silenced: {error}")
        return replace(plain, silence=silence, until=plain.since + timedelta(seconds=seconds))

    def _silencer(self, run: Run) -> Silencer | None:
        """Where the run's alert is silenced: at its own source, or nowhere."""
        return self.silencers.get(run.alert.source) if run.alert is not None else None

    def _end(self, run: Run, taken: Assignment | None) -> None:
        """Ends a silence; where that fails it ends by itself at its time."""
        silencer = self._silencer(run)
        if taken is None or not taken.silence or silencer is None:
            return
        try:
            silencer.end(taken.silence)
        except FirstmateError as error:
            log.warning("the silence %s could not be ended, it ends at %s: %s", taken.silence, taken.until, error)

    def _look_later(self, run_id: str, taken: Assignment, number: int) -> None:
        # The silence's own id makes it another segment after the next takeover.
        self.store.enqueue(run_id, Silenced(number, taken.silence), delay=LOOK_EACH)

    def _published(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        if run is None:
            raise UnknownRun(run_id)
        self.publisher.publish(run)
        return run


def _not_silenced(source: str) -> str:
    """Why an alert of a source without a silencer is not silenced."""
    if source == ALERTMANAGER:
        return "Not silenced: `prometheus.alertmanager` is not set in the configuration."
    return f"Not silenced: Firstmate cannot silence alerts of {source or 'no source'}; silence it there."
