"""Checks after a verified change whether it helped: gathers the evidence again and judges the cause that was mended.

A check only reads, so after a crash it starts again. Between two checks the run is a row with a deadline.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.clock import utc_now
from bot.config import TabletShard
from bot.engine import segments
from bot.engine.assessment import recorded
from bot.engine.effect_summary import concluded
from bot.engine.effect_verdict import Seen, next_check, seen
from bot.engine.gather_evidence import Gathered, Gatherer, view
from bot.engine.planner import inputs_of
from bot.engine.ports import Fleet, Publisher, Store
from bot.engine.run import Cause, Effect, Event, Helped, Run, RunState
from bot.engine.stored_runs import known_run
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.runbook.diagnosis import helped_criteria as helped
from bot.runbook.diagnosis.causes import diagnose
from bot.runbook.diagnosis.helped_criteria import Judgement, Trouble
from bot.runbook.expressions.evaluation import Missing
from bot.runbook.expressions.names import BEFORE, before_in
from bot.runbook.language import schema
from bot.runbook.library.load_runbooks import parse

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EffectCheck:
    """Checks whether the changes of runs have helped; changes nothing on servers."""

    fleet: Fleet
    store: Store
    publisher: Publisher
    gatherer: Gatherer
    now: Callable[[], datetime] = utc_now

    def before(self, run: Run) -> Effect | None:
        """Returns what to check after the changes of a run, with the evidence from before that the check compares.

        What cannot be read once more just before the changes is as the diagnosis found it. None if no cause of the
        runbook offered the changes.
        """
        if run.plan is None:
            return None
        runbook, cause = _offered(run, run.plan.remedy)
        if runbook is None or cause is None:
            return None
        declared = cause.helped.when if cause.helped is not None else None
        compared = before_in(declared) if declared is not None else frozenset()
        if not compared:
            return Effect(cause.id)
        steps = run.steps
        try:
            steps += self._gather(run, helped.gathering(runbook, compared), self.fleet.find(run.target)).steps
        except FirstmateError as error:
            # The evidence of the diagnosis is older, but tells as much.
            log.warning("the evidence before the change of run %s could not be read: %s", run.id, error)
        known = {step.id: step.evidence for step in steps if step.id in compared and step.evidence is not None}
        return Effect(cause.id, before=known)

    def begin(self, run: Run, done: str) -> Run:
        """Returns the run as it is watched from now on; `done` is the sentence of its verified changes."""
        assert run.effect is not None
        runbook, cause = self._of(run)
        patience = helped.patience(runbook, cause, vitess=self._on_vitess(run))
        until = self.now() + timedelta(seconds=patience.known_after)
        effect = replace(run.effect, done=done, since=self.now(), until=until)
        says = f"{done} Firstmate watches until {until:%H:%M:%S} UTC whether it helped."
        return replace(run, state=RunState.WATCHING, effect=effect, says=says)

    def check(self, run_id: str, number: int) -> None:
        """Runs the segment `effect`: checks once, and ends the run or checks again later."""
        run = self.store.run(run_id)
        if run is None or run.state is not RunState.WATCHING or run.effect is None:
            return
        runbook, cause = self._of(run)
        judgement, now_holding = self._judge(run, runbook, cause)
        patience = helped.patience(runbook, cause, vitess=self._on_vitess(run))
        effect = seen(replace(run.effect, now=now_holding), Seen(judgement, self.now()), patience)
        if effect.helped is Helped.PENDING:
            self.store.save(replace(run, effect=effect), expect=RunState.WATCHING)
            wait = next_check(effect, self.now(), patience)
            self.store.enqueue(run_id, segments.Effect(number + 1), delay=wait)
            return
        ended = concluded(replace(run, effect=effect), patience)
        told = replace(ended, timeline=(*ended.timeline, Event(self.now(), ended.says)))
        data: dict[str, Any] = {"says": ended.says, "cause": effect.cause, "helped": effect.helped.value}
        self.store.save(told, expect=RunState.WATCHING, event=f"run.{ended.state.value}", **data)
        self.publisher.publish(known_run(self.store, run_id))

    def _judge(self, run: Run, runbook: schema.Runbook, cause: schema.Cause) -> tuple[Judgement, tuple[Cause, ...]]:
        """Gathers the evidence again; returns whether the trouble is gone, and the causes that hold now."""
        asked = helped.checking(runbook, cause)
        try:
            target = self.fleet.find(run.target)
            gathered = self._gather(run, asked, target)
        except FirstmateError as error:
            return Judgement(Trouble.UNDECIDED, str(error)), ()
        inputs = inputs_of(run, runbook)
        left_out = {name: Missing(name, "it is not read again") for name in runbook.gather if name not in asked.gather}
        evidence: Mapping[str, object] = {**left_out, **gathered.evidence}
        diagnosis = diagnose(runbook, evidence, inputs, view(target))
        assert run.effect is not None
        scope = {**evidence, "inputs": inputs, "target": view(target)}
        scope[BEFORE] = helped.restored(runbook, run.effect.before)
        held = {each.id for each in run.causes if each.verdict == "holds"}
        judgement = helped.judge_trouble(runbook, cause, scope, diagnosis, held)
        return judgement, tuple(map(recorded, diagnosis.holding))

    def _gather(self, run: Run, runbook: schema.Runbook, target: Target) -> Gathered:
        labels = dict(run.alert.labels) if run.alert else {}
        return self.gatherer.gather(runbook, target, inputs_of(run, runbook), labels, lambda _: None)

    def _on_vitess(self, run: Run) -> bool:
        try:
            return isinstance(self.fleet.find(run.target).shard, TabletShard)
        except FirstmateError:
            return False

    def _of(self, run: Run) -> tuple[schema.Runbook, schema.Cause]:
        """Returns the runbook of a watched run and the cause that was mended."""
        assert run.effect is not None
        runbook = parse(run.runbook_text, run.runbook)
        return runbook, next(each for each in runbook.causes if each.id == run.effect.cause)


def _offered(run: Run, remedy: str) -> tuple[schema.Runbook | None, schema.Cause | None]:
    """Returns the runbook of a run, and the cause that offered a remedy."""
    holding = [each.id for each in run.causes if each.verdict == "holds" and remedy in each.remedies]
    if not holding:
        return None, None
    runbook = parse(run.runbook_text, run.runbook)
    return runbook, helped.cause_of(runbook, holding, remedy)
