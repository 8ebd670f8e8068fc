"""People hold a run up: a pause before the next turn of a change, a stop for good, and on again."""

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
"""How long a change may stand half made before it is stopped."""
NOT_BEGUN = (RunState.TRIAGING, RunState.WAITING, RunState.APPROVED)


@dataclass(frozen=True, slots=True)
class Pausing:
    """Pauses, stops and goes on."""

    store: Store
    publisher: Publisher
    now: Callable[[], datetime] = utc_now

    def pause(self, user: str, run: Run) -> Run:
        """Holds a change up before its next turn; raises NotAllowed where there is none."""
        turns = len(run.plan.waves) if run.plan else 0
        if run.state not in (RunState.APPROVED, RunState.CHANGING) or turns < 2:
            raise NotAllowed(f"Run {run.id} is {run.state.value} and has no further turn before which it could wait.")
        now = self.now()
        return self._held(run, PauseRequest("pause", user, now, now + PAUSED_FOR))

    def stop(self, user: str, run: Run) -> Run:
        """Ends what has not begun at once, and a change before its next turn.

        Raises NotAllowed for what has ended, and Busy where the run moved on just now.
        """
        if run.state in NOT_BEGUN:
            says = f"{mention(user)} stopped it; nothing was changed."
            ended = run.ending(RunState.DENIED, says, self.now())
            if not self.store.save(ended, expect=run.state, event="run.stopped", actor=user):
                raise Busy(f"Run {run.id} moved on just now; look at its card.")
            return self._published(run.id)
        if run.state is RunState.CHANGING:
            return self._held(run, PauseRequest("stop", user, self.now()))
        if run.state is RunState.PAUSED:
            return self._on(user, run, PauseRequest("stop", user, self.now()))
        raise NotAllowed(f"Run {run.id} has ended already: it is {run.state.value}. {run.says}")

    def go_on(self, user: str, run: Run) -> Run:
        """Goes on with a paused change; raises NotAllowed for one that is not paused."""
        if run.state is RunState.CHANGING and run.hold is not None and run.hold.kind == "pause":
            return self._held(run, None, actor=user)
        if run.state is not RunState.PAUSED:
            raise NotAllowed(f"Run {run.id} is not paused: it is {run.state.value}.")
        return self._on(user, run, None)

    def unpause(self, run: Run, segment: Unpause) -> None:
        """The segment at the end of a pause: nobody went on in time, so the change is stopped where it is."""
        if run.state is RunState.PAUSED and run.hold is not None and Unpause.of(run.hold.at) == segment:
            self._on(AUTOMATIC, run, PauseRequest("stop", AUTOMATIC, self.now()))

    def _on(self, user: str, run: Run, hold: PauseRequest | None) -> Run:
        if not self.store.go_on(run.id, hold, actor=user):
            raise Busy(f"Run {run.id} moved on just now; look at its card.")
        return self._published(run.id)

    def _held(self, run: Run, hold: PauseRequest | None, *, actor: str = "") -> Run:
        if not self.store.hold(run.id, hold, actor=hold.user if hold else actor):
            raise Busy(f"Run {run.id} moved on just now; look at its card.")
        return self._published(run.id)

    def _published(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        assert run is not None, run_id
        self.publisher.publish(run)
        return run
