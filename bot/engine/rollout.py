"""The change segment: checks all guards again, makes each change once, verifies it, and reports, batch by batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from actions.contract import Refused, Remediation, Unreadable, Verification
from bot.clock import utc_now
from bot.engine import change_executor, run_summary, segments, timed_revert
from bot.engine.batch_order import may_continue, next_batch
from bot.engine.effect_check import EffectCheck
from bot.engine.fact_collector import Collector
from bot.engine.plan import Outcome, Plan
from bot.engine.planner import Planner
from bot.engine.ports import Fleet, Publisher, StartResult, Steps, Store, Superseded
from bot.engine.run import Event, PauseRequest, Run, RunState
from bot.engine.targets import Target
from bot.engine.undo import Undo
from bot.errors import FirstmateError
from bot.guards import judge, refusal
from bot.guards.facts import AUTOMATIC, Stage, Verdict, mention
from bot.runbook.diagnosis.remedies import rebuild

PASSED = "passed"


def intent(number: int) -> str:
    """Returns the name of the intent of a change."""
    return f"change-{number}"


@dataclass(frozen=True, slots=True)
class Rollout:
    """Makes the approved changes of a run."""

    fleet: Fleet
    store: Store
    publisher: Publisher
    collector: Collector
    planner: Planner
    undo: Undo
    effects: EffectCheck
    verifier_pause: float = 0.5
    in_flight: float = 0.0
    """Seconds after a change was started in which its statement may still arrive from a replica taken for dead.

    It is 0 for a single bot, whose process has ended before the next one starts.
    """
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now

    def change(self, steps: Steps, run_id: str) -> None:
        """Runs the segment `change`; after a crash, completed steps return their recorded results."""
        token = self._acquire_lease(run_id)
        if steps.step("guards", lambda: self._guard(run_id, token)) != PASSED:
            return
        plan = self._plan(run_id)
        first, failures = steps.step("turns", lambda: self._begin_at(run_id))
        for batch, numbers in list(enumerate(plan.batches))[first:]:
            answer = steps.step(f"guards-{batch}", self._batch_guard(run_id, numbers, token)) if batch else PASSED
            if answer == RunState.PAUSED.value:
                return
            if answer != PASSED:
                break
            states = self._make_batch(steps, run_id, plan, numbers, token)
            failures += sum(state != RunState.MENDED.value for state in states)
            if not may_continue(plan, numbers, states, failures):
                break
        if plan.on_failure == "undo":
            for number in reversed(range(len(plan.changes))):
                steps.step(f"undo-{number}", self._undoing(run_id, number, token))
        # After a crash in the last step, a second execution learns with which token the first one held the shard.
        first_token = steps.step("token", lambda: token)
        steps.step("end", lambda: self._end(run_id, first_token, token))

    def _acquire_lease(self, run_id: str) -> int:
        """Acquires the lease of the shard and returns its token; 0 if another run holds it, which the guards report.

        It is not a step: a second execution, after the first was taken for dead, must get a token of its own.
        """
        run = self._run(run_id)
        if run.state not in (RunState.APPROVED, RunState.CHANGING):
            return 0
        return self.store.lease(run.shard, run.id) or 0

    def _make_batch(self, steps: Steps, run_id: str, plan: Plan, numbers: tuple[int, ...], token: int) -> list[str]:
        """Makes and verifies the changes of one batch; returns the outcomes of those that were started."""
        made: dict[int, str] = {}
        for number in numbers:
            made[number] = steps.step(f"change-{number}", self._making(run_id, number, token))
            if made[number] != "made" and plan.on_failure != "continue":
                break
        return [steps.step(f"verify-{n}", self._verifying(run_id, n, how)) for n, how in made.items()]

    # Each step binds its own number, because a loop variable would have changed by the time of the call.

    def _batch_guard(self, run_id: str, numbers: tuple[int, ...], token: int) -> Callable[[], str]:
        return lambda: self._guard_batch(run_id, numbers, token)

    def _making(self, run_id: str, number: int, token: int) -> Callable[[], str]:
        return lambda: self._once(run_id, number, token)

    def _verifying(self, run_id: str, number: int, made: str) -> Callable[[], str]:
        return lambda: self._verify(run_id, number, made)

    def _undoing(self, run_id: str, number: int, token: int) -> Callable[[], str]:
        return lambda: self._undo_after_failure(run_id, number, token)

    # -- the steps ------------------------------------------------------------------------------------------------

    def _guard(self, run_id: str, token: int) -> str:
        """Checks all guards again on current facts, and records the intents if they pass."""
        run = self._run(run_id)
        if run.state is RunState.CHANGING:
            return PASSED
        self.publisher.publish(run)
        if run.state is not RunState.APPROVED or run.plan is None:
            return "not approved"
        verdicts, planned = self._judge(run, run.plan, tuple(range(len(run.plan.changes))))
        refused = refusal(verdicts)
        if refused is not None:
            self.store.release(run.shard, run.id, token)
            says = f"Refused just before the change: {refused.says}"
            ended = replace(run, verdicts=verdicts, state=RunState.REFUSED, says=says)
            self._save(ended, RunState.APPROVED, "run.refused", says)
            return "refused"
        for number in range(len(planned.changes)):
            self.store.intend(run.id, intent(number), planned.digest)
        effect = self.effects.before(run)
        begun = replace(run, state=RunState.CHANGING, verdicts=verdicts, says="Changing now.", effect=effect)
        if not self.store.save(begun, expect=RunState.APPROVED, event="run.changing", digest=planned.digest):
            # The approval was revoked while the guards were checked.
            self.store.release(run.shard, run.id, token)
            return "not approved"
        self.publisher.publish(begun)
        return PASSED

    def _guard_batch(self, run_id: str, numbers: tuple[int, ...], token: int) -> str:
        """Checks all guards again before a further batch; a refusal is recorded on each of its changes."""
        run = self._run(run_id)
        assert run.plan is not None
        if run.pause_request is not None and run.pause_request.kind == "pause":
            return self._pause(run, run.pause_request, token)
        if run.pause_request is not None:
            return self._refuse(run_id, numbers, _stopped(run.pause_request))
        if not self.store.renew(run.shard, run.id, token):
            self._stop_if_overtaken(run)
        verdicts, planned = self._judge(run, run.plan, numbers)
        refused = refusal(verdicts)
        if refused is None:
            # Only now is it known what a further change of the same server replaces.
            self.store.save(replace(run, plan=planned), expect=RunState.CHANGING)
            return PASSED
        return self._refuse(run_id, numbers, refused.says)

    def _refuse(self, run_id: str, numbers: tuple[int, ...], says: str) -> str:
        for number in numbers:
            self._record_outcome(self._run(run_id), Outcome(number, "refused", says))
        return "refused"

    def _pause(self, run: Run, hold: PauseRequest, token: int) -> str:
        """Stores the run as paused, with a deadline, and releases the shard for other runs."""
        says = f"{mention(hold.user)} paused the change before its next batch. Resume it with /mate resume {run.id}."
        paused = replace(run, state=RunState.PAUSED, says=says)
        self._save(paused, RunState.CHANGING, "run.paused", says)
        self.store.release(run.shard, run.id, token)
        if hold.until is not None:
            left = max(0.0, (hold.until - self.now()).total_seconds())
            self.store.enqueue(run.id, segments.Unpause.of(hold.at), delay=left)
        return RunState.PAUSED.value

    def _begin_at(self, run_id: str) -> tuple[int, int]:
        run = self._run(run_id)
        assert run.plan is not None
        return next_batch(run.plan, run.outcomes)

    def _judge(self, run: Run, plan: Plan, numbers: tuple[int, ...]) -> tuple[tuple[Verdict, ...], Plan]:
        """Plans these changes again from the current state of the servers, and checks the guards."""
        planned, made = self.planner.again(plan, numbers)
        return judge(self.collector.collect(run, planned, made, stage=Stage.BEFORE_CHANGE, now=self.now())), planned

    def _stop_if_overtaken(self, run: Run) -> None:
        """Raises Overtaken when the shard is not another run's: then another execution of this one holds it."""
        if self.store.holder(run.shard, besides=run.id) is None:
            raise Superseded(f"another execution of run {run.id} holds the shard")

    def _once(self, run_id: str, number: int, token: int) -> str:
        """Makes the change unless it was started before; returns what is known about it."""
        run = self._run(run_id)
        assert run.plan is not None
        approved = run.plan.changes[number]
        self.store.renew(run.shard, run_id, token)
        start = self.store.begin(run_id, intent(number), shard=run.shard, token=token, action=approved.action)
        if start is StartResult.FENCED:
            self._stop_if_overtaken(run)
            return f"refused: Another run started changing {run.shard} in the meantime, so this change was not made."
        if start is StartResult.BEFORE:
            self._let_arrive(run_id, number)
            return "unknown"
        try:
            target, remediation = self._planned(run_id, number)
            with self.fleet.change(target.shard, target.instance, remediation.reader) as changer:
                change_executor.make(changer, remediation, approved, tag=run_id)
        except (Refused, change_executor.NotAsPlanned) as error:
            return f"refused: {error}"
        except (FirstmateError, Unreadable) as error:
            # The statement may have been executed; the verification finds out.
            return f"lost: {error}"
        return "made"

    def _let_arrive(self, run_id: str, number: int) -> None:
        """Waits until no statement of the earlier execution can arrive any more, so that the verification is final."""
        begun = self.store.begun_at(run_id, intent(number))
        left = self.in_flight - (self.now() - begun).total_seconds() if begun is not None else 0.0
        if left > 0:
            self.wait(min(left, self.in_flight))

    def _verify(self, run_id: str, number: int, made: str) -> str:
        """Verifies the change, and records the outcome."""
        run = self._run(run_id)
        booked = next((outcome for outcome in run.outcomes if outcome.number == number), None)
        if run.state is not RunState.CHANGING or booked is not None:
            return booked.state if booked else run.state.value
        target, remediation = self._planned(run_id, number)
        if made.startswith("refused: "):
            outcome = Outcome(number, RunState.REFUSED.value, made.removeprefix("refused: "))
        else:
            verdict = self._verification(target, remediation)
            state = RunState.MENDED if verdict.ok else RunState.FAILED if verdict.known else RunState.UNKNOWN
            outcome = Outcome(number, state.value, verdict.says)
            if made == "unknown":
                outcome = Outcome(number, RunState.UNKNOWN.value, f"{run_summary.INTERRUPTED}{verdict.says}")
            elif made.startswith("lost: "):
                outcome = replace(outcome, says=f"{made.removeprefix('lost: ')} State afterwards: {verdict.says}")
        self.store.finish(run_id, intent(number), f"{outcome.state}: {outcome.says}")
        self._record_outcome(run, outcome)
        return outcome.state

    def _undo_after_failure(self, run_id: str, number: int, token: int) -> str:
        """Restores one change after another one failed, if the remedy says so."""
        run = self._run(run_id)
        failed = [each for each in run.outcomes if each.state != RunState.MENDED.value and each.state != "undone"]
        if not failed or not any(each.number == number and each.state == "mended" for each in run.outcomes):
            return "nothing to undo"
        return self.undo.restore(run, number, "Firstmate after the failure", token)

    def _end(self, run_id: str, *tokens: int) -> str:
        """Ends the run with the outcomes of all its changes, or has it watched whether they helped.

        A second execution, after the first one died in its end, must not release the lease that an undo or a timed
        revert of the run holds by now. So only the leases with the tokens of both executions are released.
        """
        run = self._run(run_id)
        if run.state is not RunState.CHANGING or run.plan is None:
            self.publisher.publish(run)
            self._release(run, tokens)
            return self._watched(run)
        ended = run_summary.ended(run, run.plan)
        reverts = timed_revert.due(run)
        for number, after in reverts:
            self.store.enqueue(run_id, segments.Revert(number), delay=after)
        ended = timed_revert.announced(ended, reverts, now=self.now())
        if ended.state is RunState.MENDED and ended.effect is not None:
            ended = self.effects.begin(ended, ended.says)
        self._save(ended, RunState.CHANGING, f"run.{ended.state.value}", ended.says)
        self._release(run, tokens)
        return self._watched(ended)

    def _release(self, run: Run, tokens: Iterable[int]) -> None:
        for token in {*tokens}:
            self.store.release(run.shard, run.id, token)

    def _watched(self, run: Run) -> str:
        """Enqueues the first check whether the changes helped, if the run is watched; returns its state."""
        if run.state is RunState.WATCHING:
            self.store.enqueue(run.id, segments.Effect(1))
        return run.state.value

    # -- shared ---------------------------------------------------------------------------------------------------

    def _verification(self, target: Target, remediation: Remediation) -> Verification:
        def read(asked: Remediation) -> Verification:
            with self.fleet.read(target.shard, target.instance, asked.reader) as db:
                return asked.verify(db)

        return change_executor.Verifier(read, pause=self.verifier_pause).verify(remediation)

    def _record_outcome(self, run: Run, outcome: Outcome) -> None:
        booked = replace(run, outcomes=(*run.outcomes, outcome))
        self.store.save(booked, expect=RunState.CHANGING)
        if run.plan is not None and len(run.plan.changes) > 1:
            self.publisher.publish(self._run(run.id))

    def _run(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        assert run is not None, run_id
        return run

    def _plan(self, run_id: str) -> Plan:
        plan = self._run(run_id).plan
        assert plan is not None, run_id
        return plan

    def _planned(self, run_id: str, number: int) -> tuple[Target, Remediation]:
        planned = self._plan(run_id).changes[number]
        return self.fleet.find(planned.target), rebuild(planned.action, planned.parameters)

    def _save(self, ended: Run, expect: RunState, event: str, says: str) -> None:
        told = replace(ended, timeline=(*ended.timeline, Event(self.now(), says)))
        self.store.save(told, expect=expect, event=event, says=says)
        self.publisher.publish(self._run(ended.id))


def _stopped(request: PauseRequest) -> str:
    if request.user == AUTOMATIC:
        return "Firstmate stopped the change before this batch, because nobody resumed it in time."
    return f"{mention(request.user)} stopped the change before this batch."
