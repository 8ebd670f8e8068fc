"""Restores what changes replaced: each change at most once, and only while the server has the value that it set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from actions.contract import Refused, Unreadable
from bot.clock import utc_now
from bot.engine import change_executor
from bot.engine.active_halts import Halts
from bot.engine.plan import Outcome
from bot.engine.ports import Fleet, Publisher, StartResult, Steps, Store, Superseded
from bot.engine.run import Event, Helped, Run, RunState
from bot.errors import FirstmateError
from bot.runbook.diagnosis.remedies import rebuild


def intent(number: int) -> str:
    """Returns the name of the intent to undo a change."""
    return f"undo-{number}"


@dataclass(frozen=True, slots=True)
class Undo:
    """Restores the changes of runs whose changes stand, whether they helped or not."""

    fleet: Fleet
    store: Store
    publisher: Publisher
    halts: Halts
    now: Callable[[], datetime] = utc_now

    def undo(self, steps: Steps, run_id: str, by: str, only: int | None = None) -> None:
        """Runs the segments `undo` (all changes, for a person) and `revert` (one change, when its time is over)."""
        steps.step("undo", lambda: self._undo(run_id, by, only))

    def _undo(self, run_id: str, by: str, only: int | None) -> str:
        run = self._run(run_id)
        numbers = [
            each.number
            for each in sorted(run.outcomes, key=lambda outcome: -outcome.number)
            if each.state == RunState.MENDED.value and run.plan is not None and run.plan.changes[each.number].undo
        ]
        numbers = [number for number in numbers if only in (None, number)]
        if run.plan is None or not numbers or (only is None and not run.stands):
            return "nothing to undo"
        halted = self.halts.holding(run.shard, run.plan.actions)
        if halted is not None:
            return self._not_undone(run, str(halted), by)
        token = self.store.lease(run.shard, run_id)
        if token is None:
            return self._not_undone(run, f"another run is changing {run.shard}", by)
        try:
            self._end_watch(run_id)
            for number in numbers:
                says = self.restore(self._run(run_id), number, by, token)
                if says:
                    return self._not_undone(self._run(run_id), says, by)
            return self._ended(self._run(run_id), by)
        finally:
            self.store.release(run.shard, run_id, token)

    def _end_watch(self, run_id: str) -> None:
        """Ends the checks whether the changes helped: what is undone cannot be watched any longer."""
        run = self._run(run_id)
        if run.state is not RunState.WATCHING or run.effect is None:
            return
        says = f"{run.effect.done} It is not known whether it helped: the undo came first."
        effect = replace(run.effect, helped=Helped.UNKNOWN)
        ended = replace(run, state=RunState.UNKNOWN, effect=effect, says=says)
        self.store.save(ended, expect=RunState.WATCHING, event="run.unknown", says=says)

    def restore(self, run: Run, number: int, by: str, token: int) -> str:
        """Restores one change, once; returns the reason why it could not, or ''."""
        assert run.plan is not None
        planned = run.plan.changes[number]
        try:
            target, remediation = self.fleet.find(planned.target), rebuild(planned.action, planned.parameters)
            with self.fleet.read(target.shard, target.instance, remediation.reader) as db:
                identity = self.fleet.identify(db)
        except (FirstmateError, Unreadable) as error:
            return str(error)
        if identity.server != planned.server and not remediation.demotes:
            return f"a different server answers at {planned.target} now"
        self.store.intend(run.id, intent(number), run.plan.digest)
        start = self.store.begin(run.id, intent(number), shard=run.shard, token=token)
        if start is StartResult.FENCED:
            raise Superseded(f"another execution of run {run.id} holds the shard")
        if start is StartResult.BEFORE:
            return "the undo was started before and is not repeated; check the server"
        try:
            with self.fleet.change(target.shard, target.instance, remediation.reader) as changer:
                change_executor.restore(changer, remediation, planned, tag=run.id)
        except (FirstmateError, Refused, Unreadable) as error:
            self.store.finish(run.id, intent(number), str(error))
            return str(error)
        says = f"Undone by {by}: {'; '.join(planned.undo)}"
        self.store.finish(run.id, intent(number), says)
        rest = tuple(each for each in run.outcomes if each.number != number)
        self.store.save(replace(run, outcomes=(*rest, Outcome(number, "undone", says))), expect=run.state)
        return ""

    def _ended(self, run: Run, by: str) -> str:
        """Ends the run as undone when no change that can be undone is left."""
        assert run.plan is not None
        undone = [each.number for each in run.outcomes if each.state == "undone"]
        left = [n for n, each in enumerate(run.plan.changes) if each.undo and n not in undone]
        texts = [text for number in sorted(undone, reverse=True) for text in run.plan.changes[number].undo]
        says = f"Undone by {by}: {'; '.join(texts)}"
        if left or not run.stands:
            self._save(replace(run, says=f"{run.says} {says}"), run.state, "run.partly_undone", says)
            return "partly undone"
        self._save(replace(run, state=RunState.UNDONE, says=says), run.state, "run.undone", says)
        return "undone"

    def _not_undone(self, run: Run, reason: str, by: str) -> str:
        says = f"{run.says} Not undone ({by}): {reason.removesuffix('.')}."
        self._save(replace(run, says=says), run.state, "run.not_undone", says)
        return "not undone"

    def _run(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        assert run is not None, run_id
        return run

    def _save(self, run: Run, expect: RunState, event: str, says: str) -> None:
        told = replace(run, timeline=(*run.timeline, Event(self.now(), says)))
        self.store.save(told, expect=expect, event=event, says=says)
        self.publisher.publish(self._run(run.id))
