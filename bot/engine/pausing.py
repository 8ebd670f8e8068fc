"""Pauses a change before its next batch, stops runs, and continues paused changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import utc_now
from bot.engine.ports import Publisher, Store
from bot.engine.run import PauseRequest, Run, RunState
from bot.engine.segments import Unpause
from bot.errors import Busy, NotAllowed
from bot.guards.facts import AUTOMATIC, mention

PAUSED_FOR = timedelta(hours=1)
"""How long a change may stay paused before it is stopped."""
NOT_BEGUN = (RunState.TRIAGING, RunState.WAITING, RunState.APPROVED)


@dataclass(frozen=True, slots=True)
class Pausing:
    """Pauses, stops and continues runs."""

    store: Store
    publisher: Publisher
    now: Callable[[], datetime] = utc_now

    def pause(self, user: str, run: Run) -> Run:
        """Pauses a change before its next batch; raises NotAllowed if there is none."""
        if run.state not in (RunState.APPROVED, RunState.CHANGING):
            raise NotAllowed(f"Run {run.id} cannot be paused: {run.state_says}")
        if run.plan is None or len(run.plan.batches) < 2:
            raise NotAllowed(f"Run {run.id} cannot be paused: its change has only one batch.")
        now = self.now()
        return self._requested(run, PauseRequest("pause", user, now, now + PAUSED_FOR))

    def stop(self, user: str, run: Run) -> Run:
        """Ends a run that has changed nothing yet at once, and a change before its next batch.

        Raises NotAllowed for a run that has ended, and Busy if its state changed meanwhile.
        """
        if run.state in NOT_BEGUN:
            says = f"{mention(user)} stopped the run; nothing was changed."
            ended = run.ending(RunState.DENIED, says, self.now())
            if not self.store.save(ended, expect=run.state, event="run.stopped", actor=user):
                raise Busy(f"The state of run {run.id} has just changed. Check its card.")
            return self._published(run.id)
        if run.state is RunState.CHANGING:
            return self._requested(run, PauseRequest("stop", user, self.now()))
        if run.state is RunState.PAUSED:
            return self._continue(
                user, run, PauseRequest("stop", user, self.now()), f"{mention(user)} stopped the change."
            )
        if run.state is RunState.WATCHING:
            raise NotAllowed(f"Run {run.id} cannot be stopped: its changes are made. {run.says}")
        raise NotAllowed(f"Run {run.id} has already ended: {run.state_says}")

    def go_on(self, user: str, run: Run) -> Run:
        """Continues a paused change; raises NotAllowed for one that is not paused."""
        if run.state is RunState.CHANGING and run.pause_request is not None and run.pause_request.kind == "pause":
            return self._requested(run, None, actor=user)
        if run.state is not RunState.PAUSED:
            raise NotAllowed(f"Run {run.id} is not paused: {run.state_says}")
        return self._continue(user, run, None, f"{mention(user)} resumed the change.")

    def unpause(self, run: Run, segment: Unpause) -> None:
        """Runs the segment `unpause`: stops a change whose pause ended before anybody continued it."""
        if (
            run.state is RunState.PAUSED
            and run.pause_request is not None
            and Unpause.of(run.pause_request.at) == segment
        ):
            says = f"Nobody resumed the change within {PAUSED_FOR.total_seconds() / 3600:g} h, so Firstmate stopped it."
            self._continue(AUTOMATIC, run, PauseRequest("stop", AUTOMATIC, self.now()), says)

    def _continue(self, user: str, run: Run, request: PauseRequest | None, says: str) -> Run:
        if not self.store.go_on(run.id, request, says=says, actor=user):
            raise Busy(f"The state of run {run.id} has just changed. Check its card.")
        return self._published(run.id)

    def _requested(self, run: Run, request: PauseRequest | None, *, actor: str = "") -> Run:
        if not self.store.request_pause(run.id, request, actor=request.user if request else actor):
            raise Busy(f"The state of run {run.id} has just changed. Check its card.")
        return self._published(run.id)

    def _published(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        assert run is not None, run_id
        self.publisher.publish(run)
        return run
