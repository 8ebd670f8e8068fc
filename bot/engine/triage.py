"""The triage segments: gather evidence, find the cause, plan its remedies, check the guards, and ask for approval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actions.contract import Refused, Unreadable
from bot.clock import utc_now
from bot.engine import segments
from bot.engine.assessment import Assessment, Assessor, Show, not_spoken_for, show_nothing
from bot.engine.earlier_runs import with_history
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gathered, Gatherer
from bot.engine.plan import Plan
from bot.engine.planner import Observations, Planner, inputs_of
from bot.engine.ports import Fleet, Publisher, Steps, Store
from bot.engine.run import Event, Run, RunState
from bot.engine.segments import Segment
from bot.engine.stored_runs import known_run, save_ended
from bot.engine.targets import Target
from bot.errors import FirstmateError, UnknownTarget
from bot.guards import judge, refusal
from bot.guards.facts import Answer, Repair, Stage, Verdict
from bot.runbook.diagnosis.causes import JudgedCause
from bot.runbook.expressions.evaluation import EvidenceMissing
from bot.runbook.language.schema import Runbook

WATCH = 1.0
"""Seconds between two checks of VTOrc's repair."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A planned remedy with the verdicts of the guards."""

    plan: Plan
    verdicts: tuple[Verdict, ...]

    @property
    def refused(self) -> str:
        """The reason of the guard that refuses it, or ''."""
        found = refusal(self.verdicts)
        return found.says if found else ""


@dataclass(frozen=True, slots=True)
class Proposals:
    """The remedies of a cause that may be offered, and why the others may not."""

    offered: tuple[Proposal, ...]
    refused: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    """Those of the first remedy, whether it is offered or not."""


@dataclass(frozen=True, slots=True)
class Triage:
    """Diagnoses runs and proposes remedies; changes nothing on servers."""

    fleet: Fleet
    store: Store
    publisher: Publisher
    collector: Collector
    gatherer: Gatherer
    planner: Planner
    expires_after: float
    now: Callable[[], datetime] = utc_now

    def triage(self, steps: Steps, run_id: str) -> None:
        """Runs the segment `triage`. It only reads, so after a crash it starts from the beginning."""
        run = self.store.run(run_id)
        if run is None:
            return
        self.publisher.publish(run)
        if run.state is not RunState.TRIAGING:
            return  # a crash came after the triage had ended and before its cards were published
        if not run.runbook:
            self._end(run, RunState.DIAGNOSED, run.says)
            return
        found = self.assess(run, self._show, self._show)
        silent = not_spoken_for(found.run, found.runbook)
        if silent:
            self._end(found.run, RunState.DIAGNOSED, silent)
            return
        self._show(found.run)
        run = found.run
        repair = self.collector.vtorc_repairs.observe(found.target, run.repair_within)
        if repair is not None and self._repairing(run, repair):
            until = run.opened_at + timedelta(seconds=run.repair_within)
            says = f"{repair.by} is repairing {run.shard} ({repair.doing}). Firstmate waits until {until:%H:%M:%S} UTC."
            self._wait(run, says, segments.TriageWatch(1), WATCH)
            return
        self._conclude(found, _repaired_before(run, repair))

    def watch(self, run_id: str, number: int) -> None:
        """Runs the segment `triage-watch`: continues once VTOrc has finished or its time is over, and else waits."""
        run = self.store.run(run_id)
        if run is None or run.state is not RunState.TRIAGING:
            return
        repair = self.collector.vtorc_repairs.observe(self.target(run), run.repair_within)
        if repair is not None and self._repairing(run, repair):
            self.store.enqueue(run_id, segments.TriageWatch(number + 1), delay=WATCH)
            return
        repaired = repair.repaired if repair is not None else ""
        watched = replace(run, says="", timeline=(*run.timeline, Event(self.now(), repaired))) if repaired else run
        found = self.assess(watched, show_nothing, self._show)
        if repaired and found.diagnosis.lead is None:
            # The card shows what was wrong, and the repair; there is nothing to add.
            self._end(watched, RunState.DIAGNOSED, repaired)
            return
        self._conclude(found, repaired)

    def again(self, run_id: str) -> None:
        """Runs the segment `triage-again`: assesses a cause that may have cleared by itself a second and last time."""
        run = self.store.run(run_id)
        if run is None or run.state is not RunState.TRIAGING:
            return
        found = self.assess(replace(run, says=""), show_nothing, self._show)
        repair = self.collector.vtorc_repairs.observe(found.target, run.repair_within)
        # A repair before the first assessment may be too old by now to appear in VTOrc's view.
        self._conclude(found, _repaired_before(run, repair) or run.repaired, last=True)

    def _repairing(self, run: Run, repair: Repair) -> bool:
        """Returns whether to wait longer: the shard is being repaired, and there is time left.

        After a failover VTOrc keeps trying to repair the dead tablet; the run does not wait for that.
        """
        within = (self.now() - run.opened_at).total_seconds() < run.repair_within
        return within and bool(repair.doing) and not repair.over

    def assess(self, run: Run, progress: Show, going_on: Show) -> Assessment:
        """Assesses a run under all of its runbooks, and under the one that its leading cause goes on with."""
        return self._with_history(self._assessor.assess(run, self.target(run), progress, going_on))

    @property
    def _assessor(self) -> Assessor:
        return Assessor(self.gatherer, lambda name: self.planner.find(name))

    def _conclude(self, found: Assessment, repaired: str = "", *, last: bool = False) -> None:
        """Ends the run, offers the remedies of its cause, or waits for a second assessment."""
        run, lead = found.run, found.diagnosis.lead
        if lead is None:
            says = not_spoken_for(run, found.runbook) or _nothing_found(run)
            self._end(run, RunState.DIAGNOSED, f"{repaired} {says}".strip())
        elif lead.look_again is not None and not last:
            then = self.now() + timedelta(seconds=lead.look_again)
            says = f"{repaired} The cause may clear by itself; Firstmate checks again at {then:%H:%M:%S} UTC.".strip()
            self._wait(replace(run, repaired=repaired), says, segments.TriageAgain(), lead.look_again)
        elif not lead.remedies:
            says = _next_step(run, lead)
            self._end(run, RunState.DIAGNOSED, f"{repaired} {says}".strip())
        else:
            assert found.target is not None  # without a target there is no evidence, so no cause can hold
            seen = seen_by(run, found.runbook, found.target, found.gathered)
            self._offer(run, self.proposals(run, seen, lead.remedies))

    def target(self, run: Run) -> Target | None:
        """Returns the run's target, or None when it is not in the inventory."""
        try:
            return self.fleet.find(run.target) if run.target else None
        except UnknownTarget:
            return None

    def diagnose(self, run: Run, runbook: Runbook, target: Target | None) -> Assessment:
        """Gathers the evidence of one runbook and evaluates its causes; goes on with no other, and stores nothing."""
        return self._with_history(self._assessor.diagnose(run, runbook, target, show_nothing))

    def _with_history(self, found: Assessment) -> Assessment:
        return replace(found, run=with_history(found.run, self.store, self.now()))

    def propose(self, run: Run, seen: Observations, remedy: str) -> Proposal:
        """Plans a remedy and checks the guards; raises Refused, Unreadable, EvidenceMissing or FirstmateError."""
        plan, made = self.planner.plan(seen, remedy)
        facts = self.collector.collect(run, plan, made, stage=Stage.BEFORE_ASKING, now=self.now())
        return Proposal(plan, judge(facts))

    def proposals(self, run: Run, seen: Observations, remedies: Sequence[str]) -> Proposals:
        """Plans every remedy of a cause and checks the guards; skips those that cannot be planned."""
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
        """Asks for approval of the remedies that may be offered; one that needs none starts at once."""
        if not found.offered:
            ended = replace(run, verdicts=found.verdicts)
            self._end(ended, RunState.REFUSED, f"Not offered: {' '.join(found.refused)}")
            return
        first, *others = found.offered
        actions = " or ".join(", ".join(each.plan.actions) for each in found.offered)
        # There is one number for all remedies on offer: that of the riskiest one.
        needed = max(self.collector.approvals(run, each.plan) for each in found.offered)
        says = f"The change waits for {needed} approval{'s' if needed > 1 else ''}."
        run = replace(
            run,
            rivals=(),
            approvals_needed=needed,
            plan=first.plan,
            alternatives=tuple(each.plan for each in others),
            verdicts=first.verdicts,
            says=says,
            timeline=(*run.timeline, Event(self.now(), f"requested approval of {actions}")),
        )
        if all(verdict.answer is Answer.PASS for verdict in first.verdicts):
            self._go_on_alone(run)
        elif self.store.wait(run, expires_in=self.expires_after):
            self.publish(run.id)

    def _go_on_alone(self, run: Run) -> None:
        """Enqueues a change that needs no approval; every guard is checked again before it."""
        says = "No approval is needed. All guards are checked again before the change."
        approved = replace(
            run,
            state=RunState.APPROVED,
            alternatives=(),
            says=says,
            timeline=(*run.timeline[:-1], Event(self.now(), "continues without approval (autonomy: auto)")),
        )
        if self.store.approve_alone(approved):
            self.publish(run.id)

    def _show(self, run: Run) -> None:
        """Stores the progress and publishes it."""
        if self.store.save(run, expect=RunState.TRIAGING):
            self.publish(run.id)

    def _wait(self, run: Run, says: str, segment: Segment, seconds: float) -> None:
        """Shows what the run waits for, and enqueues the segment that continues it after so many seconds."""
        self._show(replace(run, says=says, timeline=(*run.timeline, Event(self.now(), says))))
        self.store.enqueue(run.id, segment, delay=seconds)

    def _end(self, run: Run, state: RunState, says: str) -> None:
        ended = replace(run, rivals=()).ending(state, says, self.now())
        save_ended(self.store, ended, expect=RunState.TRIAGING)
        self.publish(run.id)

    def publish(self, run_id: str) -> None:
        """Publishes the run as it is stored; raises UnknownRun."""
        self.publisher.publish(known_run(self.store, run_id))


def _repaired_before(run: Run, repair: Repair | None) -> str:
    """Returns what VTOrc repaired before the first assessment, for an alert of a shard; otherwise ''.

    An alert arrives some seconds after the problem, and VTOrc is often faster.
    """
    asked_for = run.alert is not None and run.scope == "shard"
    return repair.repaired if repair is not None and asked_for else ""


def seen_by(run: Run, runbook: Runbook, target: Target, gathered: Gathered) -> Observations:
    """Returns the evidence and context from which the remedies of a run are planned."""
    labels = dict(run.alert.labels) if run.alert else {}
    return Observations(runbook, target, gathered.evidence, inputs_of(run, runbook), labels, run.only)


def _next_step(run: Run, lead: JudgedCause) -> str:
    """Returns what a person can do about a cause without a remedy."""
    if run.handed_over is not None and run.handed_over.stays:
        return f"The runbook {run.runbook} found no cause that holds now. Check the evidence."
    if lead.continues:
        return f"Continue with /runbook run {lead.continues} {run.target}."
    return "This cause has no automatic remedy."


def _nothing_found(run: Run) -> str:
    undecided = [cause for cause in run.causes if cause.verdict == "undecided"]
    if undecided:
        return (
            "This runbook found no cause, because evidence is missing. Check the steps that failed, or start a new run."
        )
    return "This runbook found no cause. Check the evidence."
