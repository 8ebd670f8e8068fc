"""The change segment: look again, record the intent, change once, verify, report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from actions.contract import Refused, Remediation, Unreadable, Verdict
from bot.engine import change
from bot.engine.facts import Collector
from bot.engine.ports import Desk, Fleet, Steps, Store
from bot.engine.state import Event, Plan, Run, RunState, Target
from bot.errors import FirstmateError
from bot.guards import judge, refusal
from bot.guards.facts import Stage, mention
from bot.guards.facts import Verdict as GuardVerdict
from bot.runbook.remedies import again

log = logging.getLogger(__name__)

LEASE = 120.0
"""Seconds for which a change may hold its shard; past it another change may begin."""
CHANGE = "change"
UNDO = "undo"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Remedy:
    """Makes and restores approved changes."""

    fleet: Fleet
    store: Store
    desk: Desk
    collector: Collector
    verifier_pause: float = 0.5
    now: Callable[[], datetime] = utc_now

    def change(self, steps: Steps, run_id: str) -> None:
        """The segment `change` of a run; every step of it may be replayed from its record."""
        if steps.step("guards", lambda: self._guard(run_id)) != "passed":
            return
        made = steps.step("change", lambda: self._once(run_id, CHANGE))
        steps.step("verify", lambda: self._verify(run_id, made))

    def undo(self, steps: Steps, run_id: str, by: str) -> None:
        """The segments `undo` (a person asked) and `revert` (the time is over): restores what the plan says."""
        steps.step("undo", lambda: self._undo(run_id, by))

    # -- the steps ------------------------------------------------------------------------------------------------

    def _guard(self, run_id: str) -> str:
        """Asks all guards again, on facts of now, and records the intent when they pass."""
        run = self._run(run_id)
        if run.state is RunState.CHANGING:
            return "passed"
        self.desk.publish(run)
        if run.state is not RunState.APPROVED or run.plan is None:
            return "not approved"
        target, remediation = self._planned(run.plan)
        self.store.lease(run.shard, run.id, seconds=LEASE)
        verdicts, planned = self._judge(run, target, remediation)
        refused = refusal(verdicts)
        if refused is not None:
            self.store.release(run.shard, run.id)
            says = f"Not changed: {refused.says}"
            self._end(replace(run, verdicts=verdicts), RunState.APPROVED, RunState.REFUSED, says, "run.refused")
            return "refused"
        self.store.intend(run.id, CHANGE, planned.digest)
        begun = replace(run, state=RunState.CHANGING, verdicts=verdicts, says="Changing now.")
        self.store.save(begun, expect=RunState.APPROVED, event="run.changing", digest=planned.digest)
        self.desk.publish(begun)
        return "passed"

    def _judge(self, run: Run, target: Target, remediation: Remediation) -> tuple[tuple[GuardVerdict, ...], Plan]:
        """Makes the plan again from the server as it is now, and judges it."""
        assert run.plan is not None
        try:
            planned = self.plan_again(run.plan, target, remediation)
        except (FirstmateError, Refused, Unreadable) as error:
            # The check guard says it in its place; the digest cannot be compared.
            facts = self.collector.collect(
                run, target, run.plan, remediation, stage=Stage.BEFORE_CHANGE, now=self.now()
            )
            return judge(replace(facts, check_says=facts.check_says or str(error))), run.plan
        facts = self.collector.collect(run, target, planned, remediation, stage=Stage.BEFORE_CHANGE, now=self.now())
        return judge(facts), planned

    def plan_again(self, plan: Plan, target: Target, remediation: Remediation) -> Plan:
        """The same remedy on the same target, planned from the server as it is now."""
        with self.fleet.read(target.shard, target.instance) as db:
            return change.plan(
                db,
                self.fleet.identify(db),
                target,
                remediation,
                remedy=plan.remedy,
                title=plan.title,
                action=plan.action,
                parameters=plan.parameters,
            )

    def _once(self, run_id: str, what: str) -> str:
        """Makes the change unless it was begun before; returns what is known of it."""
        run = self._run(run_id)
        assert run.plan is not None
        if not self.store.begin(run_id, what):
            return "unknown"
        target, remediation = self._planned(run.plan)
        try:
            with self.fleet.change(target.shard, target.instance) as changer:
                change.make(changer, remediation, run.plan, tag=run.id)
        except (Refused, change.NotAsPlanned) as error:
            return f"refused: {error}"
        except (FirstmateError, Unreadable) as error:
            # The statement may have arrived; only the verification can tell.
            return f"lost: {error}"
        return "made"

    def _verify(self, run_id: str, made: str) -> str:
        """Looks whether it worked and ends the run with what was seen."""
        run = self._run(run_id)
        if run.state is not RunState.CHANGING or run.plan is None:
            self.desk.publish(run)
            self.store.release(run.shard, run_id)
            return run.state.value
        plan = run.plan
        target, remediation = self._planned(plan)
        if made.startswith("refused: "):
            verdict, state = Verdict(ok=False, says=made.removeprefix("refused: ")), RunState.REFUSED
        else:
            verdict = self._look(target, remediation)
            state = RunState.MENDED if verdict.ok else RunState.FAILED
        says = verdict.says
        if made == "unknown":
            state = RunState.UNKNOWN
            says = (
                "The bot stopped while the change was under way; it was not repeated. "
                f"Seen now: {verdict.says} A person must look at {run.target} before anything else is done."
            )
        elif made.startswith("lost: "):
            says = f"{made.removeprefix('lost: ')} Seen since: {verdict.says}"
        self.store.finish(run_id, CHANGE, f"{state.value}: {says}")
        if state is RunState.MENDED and plan.revert_after is not None:
            run = replace(run, revert_at=self.now() + timedelta(seconds=plan.revert_after))
            self.store.enqueue(run_id, "revert", delay=plan.revert_after)
        self._end(run, RunState.CHANGING, state, says, f"run.{state.value}")
        self.store.release(run.shard, run_id)
        return state.value

    def _look(self, target: Target, remediation: Remediation) -> Verdict:
        def read(asked: Remediation) -> Verdict:
            with self.fleet.read(target.shard, target.instance) as db:
                return asked.verify(db)

        return change.Verifier(read, pause=self.verifier_pause).verify(remediation)

    def _undo(self, run_id: str, by: str) -> str:
        run = self._run(run_id)
        if run.state is not RunState.MENDED or run.plan is None or not run.plan.undo:
            return "nothing to undo"
        halted = self.store.halt()
        if halted is not None:
            return self._not_undone(run, f"all changes are halted by {mention(halted.by)} ({halted.reason})", by)
        if self.store.lease(run.shard, run_id, seconds=LEASE) is None:
            return self._not_undone(run, f"another run is changing {run.shard}", by)
        try:
            return self._restore(run, run.plan, by)
        finally:
            self.store.release(run.shard, run_id)

    def _restore(self, run: Run, plan: Plan, by: str) -> str:
        try:
            target, remediation = self._planned(plan)
            with self.fleet.read(target.shard, target.instance) as db:
                identity = self.fleet.identify(db)
        except (FirstmateError, Unreadable) as error:
            return self._not_undone(run, str(error), by)
        if identity.server != plan.server:
            return self._not_undone(run, f"another server answers at {run.target} now", by)
        self.store.intend(run.id, UNDO, plan.digest)
        if not self.store.begin(run.id, UNDO):
            return self._not_undone(run, "the undo was begun before and is not repeated; look at the server", by)
        try:
            with self.fleet.change(target.shard, target.instance) as changer:
                change.restore(changer, remediation, plan, tag=run.id)
        except (FirstmateError, Refused, Unreadable) as error:
            self.store.finish(run.id, UNDO, str(error))
            return self._not_undone(run, str(error), by)
        says = f"Undone by {by}: {'; '.join(plan.undo)}"
        self.store.finish(run.id, UNDO, says)
        self._end(run, RunState.MENDED, RunState.UNDONE, says, "run.undone")
        return "undone"

    def _not_undone(self, run: Run, reason: str, by: str) -> str:
        says = f"{run.says} Not undone ({by}): {reason.removesuffix('.')}."
        self._end(run, RunState.MENDED, RunState.MENDED, says, "run.not_undone")
        return "not undone"

    # -- shared ---------------------------------------------------------------------------------------------------

    def _run(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        assert run is not None, run_id
        return run

    def _planned(self, plan: Plan) -> tuple[Target, Remediation]:
        return self.fleet.find(plan.target), again(plan.action, plan.parameters)

    def _end(self, run: Run, expect: RunState, state: RunState, says: str, event: str) -> None:
        ended = replace(run, state=state, says=says, timeline=(*run.timeline, Event(self.now(), says)))
        self.store.save(ended, expect=expect, event=event, says=says)
        self.desk.publish(self._run(run.id))
