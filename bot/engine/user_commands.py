"""What people command: to run a runbook, decide on a change, pause or undo it, take an incident, and halt changes.

Every method checks the role that it needs first. Each raises a FirstmateError whose text is the reply to the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.clock import utc_now
from bot.engine import break_glass, segments
from bot.engine.active_halts import MAX_REASON, Halts, known_scope
from bot.engine.incident_assignment import Assignments
from bot.engine.pausing import Pausing
from bot.engine.plan import Plan
from bot.engine.ports import Fleet, Store
from bot.engine.preview import Preview, preview
from bot.engine.role_checks import RoleChecks
from bot.engine.run import Choice, Decision, Run, RunState
from bot.engine.run_factory import RunFactory, first_look
from bot.engine.stored_runs import known_run
from bot.engine.target_selection import known_shard
from bot.engine.triage import Triage
from bot.errors import Busy, NotAllowed, WrongUsage
from bot.guards.approver_eligibility import Approver, ineligible
from bot.guards.facts import Halt, mention


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of people, under the roles that they need."""

    fleet: Fleet
    store: Store
    roles: RoleChecks
    run_factory: RunFactory
    previews: Triage
    """Diagnoses and plans for `plan`; stored runs are triaged by the Dispatcher."""
    assignments: Assignments
    halts: Halts
    pausing: Pausing
    now: Callable[[], datetime] = utc_now

    # -- opening runs ---------------------------------------------------------------------------------------------

    def triage(self, user: str, instance: str, channel: str) -> Run:
        """Opens a run of the runbook that /triage uses for this kind of instance; raises as `ask`."""
        return self.ask(user, first_look(self.fleet.find(instance)), instance, channel)

    def ask(self, user: str, runbook: str, instance: str, channel: str, inputs: Mapping[str, str] | None = None) -> Run:
        """Opens a run of a runbook; raises NotAllowed, RunbookError, UnknownTarget, WrongUsage or Busy."""
        self.require_operator_of(user, instance)
        run = self.run_factory.for_person(user, runbook, instance, channel=channel, inputs=inputs or {})
        return self._opened(run, user)

    def plan(self, user: str, runbook: str, instance: str, remedy: str) -> Preview:
        """Diagnoses and plans without storing or changing anything; raises as `ask`, but for Busy."""
        self.require_operator_of(user, instance)
        run = self.run_factory.for_person(user, runbook, instance, channel="", inputs={})
        return preview(self.previews, run, remedy)

    def break_glass(self, user: str, run_id: str, reason: str) -> Run:
        """Opens a refused run again with freeze and cooldown overridden; all other guards apply.

        Raises NotAllowed, WrongUsage when the reason is too short, or Busy.
        """
        self.roles.require(user, "break_glass", fresh=True)
        run = known_run(self.store, run_id)
        override = break_glass.override_of(run, user, reason, now=self.now())
        says = f"{mention(user)} used break-glass: {override.reason}"
        return self._opened(self.run_factory.again(run, user, says, override), user)

    def retry(self, user: str, run_id: str) -> Run:
        """Opens a run that ended without success again, for the targets that are left; raises NotAllowed or Busy."""
        run = self._operable(user, run_id)
        if not run.state.ended or run.state in (RunState.MENDED, RunState.UNDONE) or not run.runbook:
            raise NotAllowed(f"Run {run_id} cannot be retried: {run.state_says}")
        return self._opened(self.run_factory.again(run, user, f"{mention(user)} retried run {run_id}"), user)

    def _opened(self, run: Run, user: str) -> Run:
        if not self.store.open_run(run, key=f"{run.runbook}@{run.place}", actor=user):
            raise Busy(
                f"Another run of {run.runbook} on {run.target} is in progress. See its thread, or list runs with "
                "/mate status."
            )
        return run

    # -- deciding -------------------------------------------------------------------------------------------------

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        """Records a person's decision on a plan; raises NotAllowed with the reason when it cannot count."""
        run = known_run(self.store, run_id)
        plan = run.offered(digest) or run.plan
        says = self.roles.require(user, "approver", shard=run.shard, risk=plan.risk if plan else "")
        if choice is Choice.APPROVE:
            reason = ineligible(Approver(user, digest, True, says), requester=run.requester, plan_digest=digest)
            if reason is not None:
                raise NotAllowed(reason)
            self._not_taken(user, run, digest)
            self._not_halted(run, plan)
        return self.store.decide(run_id, Decision(user, choice, digest, self.now()))

    def _not_taken(self, user: str, run: Run, digest: str) -> None:
        """Lets the person who took the incident approve first: without them, no approval could lead to a change."""
        taken = run.taken.user if run.taken else user
        approved = any(each.user == taken and each.digest == digest for each in run.decisions)
        if taken != user and not approved:
            says = "took this incident; they must approve the plan first, or hand the incident back."
            raise NotAllowed(f"{mention(taken)} {says}")

    def _not_halted(self, run: Run, plan: Plan | None) -> None:
        halt = self.halts.holding(run.shard, plan.actions if plan else ())
        if halt is not None:
            raise NotAllowed(f"{halt} {halt.lifted_by}")

    def undo(self, user: str, run_id: str, digest: str) -> Run:
        """Enqueues the restoration of what a run changed; raises NotAllowed."""
        run = known_run(self.store, run_id)
        risk = run.plan.risk if run.plan else ""
        self.roles.require(user, "approver", shard=run.shard, risk=risk, fresh=True)
        self._not_halted(run, run.plan)
        if not run.stands or run.plan is None:
            raise NotAllowed(f"Run {run_id} cannot be undone: {run.state_says}")
        if not run.plan.undo:
            raise NotAllowed(f"Run {run_id} has nothing to undo. {run.plan.undo_says}")
        if run.plan.digest != digest:
            raise NotAllowed(f"Run {run_id} has a newer plan than the one on this card; use the newest card.")
        self.store.audit("undo.asked", actor=user, subject=run_id, digest=digest)
        self.store.enqueue(run_id, segments.Undo(len(run.timeline), user))
        return run

    # -- runs under way -------------------------------------------------------------------------------------------

    def pause(self, user: str, run_id: str) -> Run:
        """Pauses a change before its next batch; raises NotAllowed or Busy."""
        return self.pausing.pause(user, self._operable(user, run_id))

    def stop(self, user: str, run_id: str) -> Run:
        """Ends a run at once, or a change before its next batch; raises NotAllowed or Busy."""
        return self.pausing.stop(user, self._operable(user, run_id))

    def go_on(self, user: str, run_id: str) -> Run:
        """Continues a paused change; raises NotAllowed or Busy."""
        return self.pausing.go_on(user, self._operable(user, run_id))

    def take(self, user: str, run_id: str) -> Run:
        """Assigns an incident to the person; raises NotAllowed or Busy."""
        return self.assignments.take(user, self._operable(user, run_id))

    def hand_back(self, user: str, run_id: str) -> Run:
        """Ends the assignment of an incident; raises NotAllowed or Busy."""
        return self.assignments.hand_back(user, self._operable(user, run_id))

    def require_operator_of(self, user: str, instance: str) -> None:
        """Requires an operator of the shard of this instance; raises UnknownTarget or NotAllowed."""
        self.roles.require_operator(user, self.fleet.find(instance).shard.name)

    def _operable(self, user: str, run_id: str) -> Run:
        run = known_run(self.store, run_id)
        self.roles.require_operator(user, run.shard)
        return run

    # -- shards, and all changes ----------------------------------------------------------------------------------

    def acknowledge(self, user: str, shard: str) -> str:
        """Ends the cooldowns of a shard, and returns its name; raises NotAllowed or UnknownTarget."""
        known_shard(self.fleet, shard)
        self.roles.require_operator(user, shard)
        self.store.acknowledge(shard, actor=user)
        return shard

    def halt(self, user: str, text: str) -> Halt:
        """Halts all changes, or those of the shard or action that the text begins with; the rest is the reason.

        Raises NotAllowed, UnknownTarget or WrongUsage.
        """
        self.roles.require(user, "admin")
        scope, reason = known_scope(self.fleet, text)
        halt = Halt(by=user, reason=reason[:MAX_REASON] or "no reason given", since=self.now(), scope=scope)
        self.store.set_halt(halt, actor=user)
        return halt

    def resume(self, user: str, text: str = "") -> Sequence[Halt]:
        """Lifts a halt; returns the halts that remain. Raises NotAllowed, UnknownTarget or WrongUsage."""
        self.roles.require(user, "admin")
        scope, rest = known_scope(self.fleet, text)
        if rest:
            raise WrongUsage(
                f"{rest!r} is not a scope. Write /mate resume, /mate resume shard:NAME or /mate resume action:NAME."
            )
        self.store.lift_halt(scope, actor=user)
        return self.halts.every()
