"""Runs the segments that the queue hands back, and ends the runs that cannot continue."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from bot.clock import utc_now
from bot.engine import segments
from bot.engine.approval_expiry import ApprovalExpiry
from bot.engine.effect_check import EffectCheck
from bot.engine.incident_assignment import Assignments
from bot.engine.pausing import Pausing
from bot.engine.ports import Publisher, Steps, Store, Superseded
from bot.engine.rollout import Rollout
from bot.engine.run import Helped, Run, RunState
from bot.engine.segments import Segment
from bot.engine.stored_runs import known_run
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.errors import FirstmateError, StoreDown
from bot.guards.facts import mention

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Hands each segment to the part of the engine that runs it."""

    store: Store
    publisher: Publisher
    triage: Triage
    approval_expiry: ApprovalExpiry
    rollout: Rollout
    effects: EffectCheck
    undo: Undo
    assignments: Assignments
    pausing: Pausing
    now: Callable[[], datetime] = utc_now

    def advance(self, steps: Steps, run_id: str, name: str) -> None:
        """Runs the segment that is stored under this name. Whatever fails in it ends the run visibly."""
        try:
            self._run(steps, run_id, segments.decode(name))
        except Superseded as superseded:
            log.warning("segment %s of run %s stops here: %s", name, run_id, superseded)
        except StoreDown as error:
            # The run cannot be ended either. StalledRuns continues it when the store is back.
            log.warning("segment %s of run %s waits for the store: %s", name, run_id, error)
        except Exception as error:
            # The edge of the engine: somebody waits for this run, whatever the error is.
            log.exception("segment %s of run %s failed", name, run_id)
            self._end_broken(run_id, name, error)

    def _run(self, steps: Steps, run_id: str, segment: Segment) -> None:  # noqa: C901 - one case for each segment
        match segment:
            case segments.Triage():
                self.triage.triage(steps, run_id)
            case segments.TriageWatch(number):
                self.triage.watch(run_id, number)
            case segments.TriageAgain():
                self.triage.again(run_id)
            case segments.Expire():
                self.approval_expiry.expire(run_id)
            case segments.Resolved() | segments.Report():
                self.approval_expiry.resolved(run_id)
                self.assignments.settle(run_id)
            case segments.Joined():
                self.triage.publish(run_id)
            case segments.Change():
                self.rollout.change(steps, run_id)
                self.assignments.settle(run_id)
            case segments.Effect(number):
                self.effects.check(run_id, number)
                self.assignments.settle(run_id)
            case segments.Silenced(check):
                self.assignments.check_silenced(run_id, check)
            case segments.Unpause():
                self.pausing.unpause(known_run(self.store, run_id), segment)
            case segments.Revert(change):
                self.undo.undo(steps, run_id, "Firstmate as scheduled", only=change)
            case segments.Undo(_, user):
                self.undo.undo(steps, run_id, mention(user))
            case _:
                assert_never(segment)

    def end_unreadable_runs(self) -> None:
        """Ends the runs of earlier versions that this version cannot continue, each with the reason."""
        for run, keys in self.store.older():
            says = (
                f"An earlier version of Firstmate started this run, and this version cannot read its {', '.join(keys)}."
                f" The run has ended. Check {run.target or 'the instance'}, then start a new run with /runbook run."
            )
            self._fail(run, says, "run.older", unread=list(keys))

    def _end_broken(self, run_id: str, name: str, error: Exception) -> None:
        known = isinstance(error, FirstmateError)
        kind = str(error).removesuffix(".") if known else f"an internal error ({type(error).__name__})"
        self.give_up(run_id, f"the step {name} failed: {kind}")

    def give_up(self, run_id: str, why: str) -> None:
        """Ends a run that cannot continue as failed, and shows the reason."""
        run = self.store.run(run_id)
        if run is None or run.state.ended:
            return
        where = run.target or "the instance"
        says = f"Firstmate ended this run: {why}. Check {where} manually; the bot's log has the details."
        self._fail(run, says, "run.broke", why=why)

    def _fail(self, run: Run, says: str, event: str, **data: Any) -> None:  # noqa: ANN401 - as in Store.save
        """Ends a run under way as failed, releases its shard and shows it.

        The changes of a run that is watched stand; it is only unknown whether they helped.
        """
        ended = run.ending(RunState.FAILED, says, self.now())
        if run.state is RunState.WATCHING and run.effect is not None:
            ended = replace(ended, state=RunState.UNKNOWN, effect=replace(run.effect, helped=Helped.UNKNOWN))
        self.store.save(ended, expect=run.state, event=event, **data)
        self.store.release(run.shard, run.id)
        self.publisher.publish(ended)
