"""Ends runs that wait for approval: nobody approved in time, or the alert resolved first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.clock import utc_now
from bot.engine.ports import Publisher, Store
from bot.engine.run import Run, RunState
from bot.engine.stored_runs import known_run, save_ended


@dataclass(frozen=True, slots=True)
class ApprovalExpiry:
    """Ends runs that wait for approval, without a change."""

    store: Store
    publisher: Publisher
    now: Callable[[], datetime] = utc_now

    def expire(self, run_id: str) -> None:
        """Runs the segment `expire`: without a decision in time, nothing is changed."""
        run = self.store.run(run_id)
        if run is not None and run.state is RunState.WAITING:
            says = (
                f"The approval request expired, so nothing was changed. Press Try again, or run /mate retry {run.id}."
            )
            self._end(run, RunState.EXPIRED, says)

    def resolved(self, run_id: str) -> None:
        """Runs the segment `resolved`: withdraws a change that waits for approval, because the alert resolved."""
        run = self.store.run(run_id)
        if run is None:
            return
        if run.state is RunState.WAITING:
            says = "The alert resolved before the change was approved; nothing was changed."
            self._end(run, RunState.RESOLVED, says)
        self.publisher.publish(known_run(self.store, run_id))

    def _end(self, run: Run, state: RunState, says: str) -> None:
        save_ended(self.store, run.ending(state, says, self.now()), expect=RunState.WAITING)
        self.publisher.publish(known_run(self.store, run.id))
