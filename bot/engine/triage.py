"""The triage segment: gather, name the cause, plan its remedy, ask the guards, and end or wait for an approval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actions.contract import Refused, Unreadable
from bot.clock import utc_now
from bot.engine.fact_collector import Collector
from bot.engine.gather import Gathered, Gatherer, Progress, view
from bot.engine.plan import Plan
from bot.engine.planner import Observations, Planner, inputs_of
from bot.engine.ports import Fleet, Publisher, Steps, Store
from bot.engine.run import Cause, Event, Run, RunState
from bot.engine.targets import Target
from bot.errors import FirstmateError, UnknownTarget, WrongUsage
from bot.guards import judge, refusal
from bot.guards.facts import Answer, Repair, Stage, Verdict
from bot.runbook.diagnosis.card_fields import render_card_fields
from bot.runbook.diagnosis.causes import UNKNOWN_TARGET, Diagnosis, diagnose
from bot.runbook.expressions.evaluation import EvidenceMissing
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load import parse

WATCH = 1.0
"""Seconds between two looks at what the manager of the topology repairs."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A remedy planned and judged, not yet asked for."""

    plan: Plan
    verdicts: tuple[Verdict, ...]

    @property
    def refused(self) -> str:
        """Why a guard refuses it, or ''."""
        found = refusal(self.verdicts)
        return found.says if found else ""


@dataclass(frozen=True, slots=True)
class Proposals:
    """What the remedies of a cause came to: those that may be offered, and why the others are not."""

    offered: tuple[Proposal, ...]
    refused: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    """Of the first remedy, offered or not."""


@dataclass(frozen=True, slots=True)
class TriageLook:
    """What one look of a run came to."""

    run: Run
    diagnosis: Diagnosis
    gathered: Gathered
    runbook: Runbook
    target: Target | None


@dataclass(frozen=True, slots=True)
class Triage:
    """Reads, thinks and proposes; changes nothing."""

    fleet: Fleet
    store: Store
    publisher: Publisher
    collector: Collector
    gatherer: Gatherer
    planner: Planner
    expires_after: float
    now: Callable[[], datetime] = utc_now

    def triage(self, steps: Steps, run_id: str) -> None:
        """The segment `triage` of a run. It only reads, so after a crash it simply begins again."""
        run = self.store.run(run_id)
        if run is None:
            return
        self.publisher.publish(run)
        if run.state is not RunState.TRIAGING:
            return  # a crash came after the end of the triage and before its cards
        if not run.runbook:
            self._end(run, RunState.DIAGNOSED, run.says)
            return
        begun = run
        found = self._look(run, lambda steps: self._show(replace(begun, steps=steps)))
        self._show(found.run)
        repair = self.collector.vtorc_activity.look(found.target, run.repair_within)
        if repair is not None and self._goes_on(run, repair):
            until = run.opened_at + timedelta(seconds=run.repair_within)
            says = f"{repair.by} is repairing it ({repair.doing}). Firstmate watches until {until:%H:%M:%S} UTC."
            self._wait(found.run, says, "triage-watch-1", WATCH)
            return
        self._conclude(found, _repaired_before(run, repair))

    def watch(self, run_id: str, number: int) -> None:
        """The segment `triage-watch`: looks whether VTOrc is done, and goes on once it is, or out of time."""
        run = self.store.run(run_id)
        if run is None or run.state is not RunState.TRIAGING:
            return
        repair = self.collector.vtorc_activity.look(self.target(run), run.repair_within)
        if repair is not None and self._goes_on(run, repair):
            self.store.enqueue(run_id, f"triage-watch-{number + 1}", delay=WATCH)
            return
        repaired = repair.repaired if repair is not None else ""
        watched = replace(run, says="", timeline=(*run.timeline, Event(self.now(), repaired))) if repaired else run
        found = self._look(watched, lambda _: None)
        if repaired and found.diagnosis.lead is None:
            # What was wrong stands on the card as it was seen; there is nothing more to see.
            self._end(watched, RunState.DIAGNOSED, repaired)
            return
        self._conclude(found, repaired)

    def again(self, run_id: str) -> None:
        """The segment `triage-again`: the second look at what might have passed by itself; there is no third."""
        run = self.store.run(run_id)
        if run is None or run.state is not RunState.TRIAGING:
            return
        found = self._look(replace(run, says=""), lambda _: None)
        repair = self.collector.vtorc_activity.look(found.target, run.repair_within)
        # A repair from before the first look may be too long ago by now to be told from the view alone.
        self._conclude(found, _repaired_before(run, repair) or run.repaired, last=True)

    def _goes_on(self, run: Run, repair: Repair) -> bool:
        """Whether to watch on: the shard is being repaired, and there is time.

        With a dead tablet VTOrc goes on after the failover, in vain, until it lives again; the shard does not wait.
        """
        within = (self.now() - run.opened_at).total_seconds() < run.repair_within
        return within and bool(repair.doing) and not repair.over

    def _look(self, run: Run, progress: Progress) -> TriageLook:
        runbook = parse(run.runbook_text, run.runbook)
        target = self.target(run)
        return TriageLook(*self.diagnose(run, runbook, target, progress), runbook, target)

    def _conclude(self, found: TriageLook, repaired: str = "", *, last: bool = False) -> None:
        """Ends the run, asks for the approval of what mends its cause, or looks again, where this is not the last."""
        run, lead = found.run, found.diagnosis.lead
        if lead is None:
            self._end(run, RunState.DIAGNOSED, f"{repaired} {_nothing_found(run)}".strip())
        elif lead.look_again is not None and not last:
            then = self.now() + timedelta(seconds=lead.look_again)
            says = f"{repaired} It may pass by itself; Firstmate looks again at {then:%H:%M:%S} UTC.".strip()
            self._wait(replace(run, repaired=repaired), says, "triage-again", lead.look_again)
        elif not lead.remedies:
            says = "There is nothing that Firstmate should change here by itself."
            self._end(run, RunState.DIAGNOSED, f"{repaired} {says}".strip())
        else:
            assert found.target is not None  # without a target no evidence came, so no cause can hold
            seen = seen_by(run, found.runbook, found.target, found.gathered)
            self._offer(run, self.proposals(run, seen, lead.remedies))

    def target(self, run: Run) -> Target | None:
        """The run's target, or None when the inventory does not know it."""
        try:
            return self.fleet.find(run.target) if run.target else None
        except UnknownTarget:
            return None

    def diagnose(
        self, run: Run, runbook: Runbook, target: Target | None, progress: Progress
    ) -> tuple[Run, Diagnosis, Gathered]:
        """Gathers and judges; returns the run with its steps and causes, and keeps nothing."""
        labels = dict(run.alert.labels) if run.alert else {}
        inputs = inputs_of(run, runbook)
        gathered = self.gatherer.gather(runbook, target, inputs, labels, progress)
        here = view(target) if target else UNKNOWN_TARGET
        diagnosis = diagnose(runbook, gathered.evidence, inputs, here)
        causes = tuple(Cause(c.id, c.verdict.value, c.says, c.remedies) for c in diagnosis.causes)
        first = render_card_fields(runbook, gathered.evidence, inputs, here)
        return replace(run, steps=gathered.steps, causes=causes, shown=first), diagnosis, gathered

    def propose(self, run: Run, seen: Observations, remedy: str) -> Proposal:
        """Plans a remedy and judges it; raises Refused, Unreadable, EvidenceMissing or FirstmateError."""
        plan, made = self.planner.plan(seen, remedy)
        facts = self.collector.collect(run, plan, made, stage=Stage.BEFORE_ASKING, now=self.now())
        return Proposal(plan, judge(facts))

    def proposals(self, run: Run, seen: Observations, remedies: Sequence[str]) -> Proposals:
        """Plans and judges every remedy of a cause; raises nothing that only one of them is to blame for."""
        offered: list[Proposal] = []
        refused: list[str] = []
        verdicts: tuple[Verdict, ...] = ()
        for remedy in remedies:
            try:
                proposal = self.propose(run, seen, remedy)
            except (Refused, Unreadable, EvidenceMissing, FirstmateError) as error:
                refused.append(str(error))
                verdicts = verdicts or (Verdict("precondition", Answer.REFUSE, str(error)),)
                continue
            verdicts = verdicts or proposal.verdicts
            if proposal.refused:
                refused.append(proposal.refused)
            else:
                offered.append(proposal)
        return Proposals(tuple(offered), tuple(dict.fromkeys(refused)), verdicts)

    def _offer(self, run: Run, found: Proposals) -> None:
        """Asks for the approval of what may be offered; what needs none begins at once."""
        if not found.offered:
            ended = replace(run, verdicts=found.verdicts)
            self._end(ended, RunState.REFUSED, f"Not offered: {' '.join(found.refused)}")
            return
        first, *others = found.offered
        actions = " or ".join(", ".join(each.plan.actions) for each in found.offered)
        # One number for all that is offered, so that the riskiest of them decides.
        needed = max(self.collector.approvals(run, each.plan) for each in found.offered)
        says = f"The fix waits for {needed} approval{'s' if needed > 1 else ''}."
        run = replace(
            run,
            approvals_needed=needed,
            plan=first.plan,
            alternatives=tuple(each.plan for each in others),
            verdicts=first.verdicts,
            says=says,
            timeline=(*run.timeline, Event(self.now(), f"asked for approval of {actions}")),
        )
        if all(verdict.answer is Answer.PASS for verdict in first.verdicts):
            self._go_on_alone(run)
        elif self.store.wait(run, expires_in=self.expires_after):
            self.publish(run.id)

    def _go_on_alone(self, run: Run) -> None:
        """The runbook may act by itself here: the change is queued, and every guard is asked again before it."""
        says = "Needs no approval here; looking again before the change."
        approved = replace(
            run,
            state=RunState.APPROVED,
            alternatives=(),
            says=says,
            timeline=(*run.timeline[:-1], Event(self.now(), "goes on by itself: `autonomy: auto`")),
        )
        if self.store.approve_alone(approved):
            self.publish(run.id)

    def expire(self, run_id: str) -> None:
        """The segment `expire`: nobody decided in time, which is a no."""
        run = self.store.run(run_id)
        if run is not None and run.state is RunState.WAITING:
            says = "Nobody approved in time, so nothing was changed. Ask again with /runbook run."
            self._end(run, RunState.EXPIRED, says, expect=RunState.WAITING)

    def resolved(self, run_id: str) -> None:
        """The segment `resolved`: the alert is over; what still waits for an approval is withdrawn."""
        run = self.store.run(run_id)
        if run is None:
            return
        if run.state is RunState.WAITING:
            says = "The alert resolved before anybody approved; nothing was changed."
            self._end(run, RunState.RESOLVED, says, expect=RunState.WAITING)
        self.publish(run_id)

    def _show(self, run: Run) -> None:
        """Keeps the progress, so that a card can be drawn from it at any time."""
        if self.store.save(run, expect=RunState.TRIAGING):
            self.publish(run.id)

    def _wait(self, run: Run, says: str, segment: str, seconds: float) -> None:
        """Says on the card what the run waits for, and goes on with a segment after so many seconds."""
        self._show(replace(run, says=says, timeline=(*run.timeline, Event(self.now(), says))))
        self.store.enqueue(run.id, segment, delay=seconds)

    def _end(self, run: Run, state: RunState, says: str, *, expect: RunState = RunState.TRIAGING) -> None:
        ended = run.ending(state, says, self.now())
        lead = ended.lead
        self.store.save(ended, expect=expect, event=f"run.{state.value}", says=says, cause=lead.id if lead else None)
        self.publish(run.id)

    def publish(self, run_id: str) -> None:
        """Shows the run as it is stored."""
        run = self.store.run(run_id)
        if run is None:
            raise WrongUsage(f"There is no run {run_id}.")
        self.publisher.publish(run)


def _repaired_before(run: Run, repair: Repair | None) -> str:
    """What the topology's manager repaired just before the first look, where an alert of a shard asked; else ''.

    An alert comes some seconds after its trouble, and VTOrc is often quicker.
    """
    asked_for = run.alert is not None and run.scope == "shard"
    return repair.repaired if repair is not None and asked_for else ""


def seen_by(run: Run, runbook: Runbook, target: Target, gathered: Gathered) -> Observations:
    """What the remedies of a run may build on."""
    labels = dict(run.alert.labels) if run.alert else {}
    return Observations(runbook, target, gathered.evidence, inputs_of(run, runbook), labels, run.only)


def _nothing_found(run: Run) -> str:
    undecided = [cause for cause in run.causes if cause.verdict == "undecided"]
    if undecided:
        return "No cause could be named: evidence is missing. Look at what failed, or ask again."
    return "None of the causes that this runbook knows holds. Look at the evidence."
