"""The engine: what alerts and people ask of it, and the segments that the queue hands back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actions.catalog import REMEDIATIONS
from bot.alerts import Alert
from bot.clock import utc_now
from bot.engine.assignment import Assignments
from bot.engine.halts import ACTION, MAX_REASON, SHARD, Halts, scope_of
from bot.engine.pausing import Pausing
from bot.engine.plan import Plan
from bot.engine.ports import Directory, Fleet, Overtaken, Receipt, Steps, Store
from bot.engine.rollout import Rollout
from bot.engine.run import Choice, Decision, Run, RunState
from bot.engine.run_factory import RunFactory
from bot.engine.target_selection import known_shard, shards
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.errors import Busy, FirstmateError, NotAllowed, StoreDown, UnknownTarget, WrongUsage
from bot.guards.facts import Answer, Halt, Override, mention
from bot.incidents.key import incident_key
from bot.runbook.language.signatures import did_you_mean

log = logging.getLogger(__name__)

OVERRIDABLE = frozenset({"freeze", "cooldown"})
"""Guards that who breaks the glass overrides; never the others."""
SHORTEST_REASON = 10
"""Characters."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Opens runs and moves them on."""

    run_factory: RunFactory
    fleet: Fleet
    store: Store
    directory: Directory
    triage: Triage
    rollout: Rollout
    undo: Undo
    assignments: Assignments
    halts: Halts
    pausing: Pausing
    now: Callable[[], datetime] = utc_now

    # -- what alerts ask ------------------------------------------------------------------------------------------

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        """Stores alerts, each with the run that answers it; returns when they are stored."""
        return [self._receive(alert) for alert in alerts]

    def _receive(self, alert: Alert) -> Receipt:
        target = self.fleet.find_by_labels(alert.labels)
        run = self.run_factory.for_alert(alert, target)
        return self.store.receive(alert, key=incident_key(alert, run.runbook, run.place), run=run)

    # -- what people ask ------------------------------------------------------------------------------------------

    def ask(self, user: str, runbook: str, target: str, channel: str, inputs: Mapping[str, str] | None = None) -> Run:
        """Opens a run of a runbook on a target for a person; raises RunbookError, UnknownTarget, WrongUsage or Busy."""
        run = self.run_factory.for_person(user, runbook, target, channel=channel, inputs=inputs or {})
        return self._opened(run, user)

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        """Takes one person's decision; raises NotAllowed with the reason when it cannot count."""
        run = self._known(run_id)
        plan = run.offered(digest) or run.plan
        self._must_hold(user, "approver", shard=run.shard, risk=plan.risk if plan else "")
        if choice is Choice.APPROVE:
            if user == run.requester:
                raise NotAllowed("You asked for this change, so somebody else must approve it.")
            self._not_taken(user, run, digest)
            self._not_halted(run, plan)
        return self.store.decide(run_id, Decision(user, choice, digest, self.now()))

    def ask_undo(self, user: str, run_id: str, digest: str) -> Run:
        """Takes a person's wish to restore what a change replaced; raises NotAllowed."""
        run = self._known(run_id)
        risk = run.plan.risk if run.plan else ""
        self._must_hold(user, "approver", shard=run.shard, risk=risk, fresh=True)
        self._not_halted(run, run.plan)
        if run.state is not RunState.MENDED or run.plan is None or not run.plan.undo:
            raise NotAllowed(f"Run {run_id} is {run.state.value}; there is nothing to undo. {run.says}")
        if run.plan.digest != digest:
            raise NotAllowed(f"The plan of run {run_id} is not the one that you saw; look at the newest card.")
        self.store.audit("undo.asked", actor=user, subject=run_id, digest=digest)
        # The same press again is the same segment; after one that failed, which left its event, it is a new one.
        self.store.enqueue(run_id, f"undo-{len(run.timeline)}-{user}")
        return run

    def break_glass(self, user: str, run_id: str, reason: str) -> Run:
        """Opens a run that was refused again, with freeze and cooldown overridden; everything else is asked as ever.

        Raises NotAllowed, WrongUsage without a reason, or Busy.
        """
        self._must_hold(user, "break_glass", fresh=True)
        run = self._known(run_id)
        if len(reason) < SHORTEST_REASON:
            raise WrongUsage("Breaking the glass takes a reason that the channel and the audit log will show.")
        refused = {each.guard for each in run.verdicts if each.answer is Answer.REFUSE}
        others = refused - OVERRIDABLE
        if run.state is not RunState.REFUSED or not refused or others:
            by = f"{', '.join(sorted(others))} refused it" if others else f"it is {run.state.value}"
            raise NotAllowed(f"Only what freeze or cooldown refused can be overridden; of run {run_id} {by}.")
        override = Override(user, reason[:MAX_REASON], self.now())
        again = self.run_factory.again(run, user, f"glass broken by {mention(user)}: {override.reason}", override)
        return self._opened(again, user)

    def retry(self, user: str, run_id: str) -> Run:
        """Opens a run that ended badly once more, for what is left of it; raises NotAllowed or Busy."""
        run = self._known(run_id)
        self.must_operate(user, run.shard)
        if not run.state.ended or run.state in (RunState.MENDED, RunState.UNDONE) or not run.runbook:
            raise NotAllowed(f"Run {run_id} is {run.state.value}; there is nothing to try again. {run.says}".strip())
        return self._opened(self.run_factory.again(run, user, f"{mention(user)} tries run {run_id} again"), user)

    def pause(self, user: str, run_id: str) -> Run:
        """Holds a change up before its next turn; raises NotAllowed or Busy."""
        return self.pausing.pause(user, self._operable(user, run_id))

    def stop(self, user: str, run_id: str) -> Run:
        """Ends a run, at once or before its next turn; raises NotAllowed or Busy."""
        return self.pausing.stop(user, self._operable(user, run_id))

    def go_on(self, user: str, run_id: str) -> Run:
        """Goes on with a paused change; raises NotAllowed or Busy."""
        return self.pausing.go_on(user, self._operable(user, run_id))

    def _operable(self, user: str, run_id: str) -> Run:
        run = self._known(run_id)
        self.must_operate(user, run.shard)
        return run

    def _opened(self, run: Run, user: str) -> Run:
        if not self.store.open_run(run, key=f"{run.runbook}@{run.place}", actor=user):
            raise Busy(f"A run of {run.runbook} on {run.target} is under way; see its thread, or /mate status.")
        return run

    def take(self, user: str, run_id: str, *, back: bool = False) -> Run:
        """A person takes an incident, or hands it back; raises NotAllowed or Busy."""
        run = self._operable(user, run_id)
        return self.assignments.hand_back(user, run) if back else self.assignments.take(user, run)

    def acknowledge(self, user: str, shard: str) -> str:
        """Ends the cooldowns of a shard, and returns its name; raises NotAllowed or UnknownTarget."""
        known_shard(self.fleet, shard)
        self.must_operate(user, shard)
        self.store.acknowledge(shard, actor=user)
        return shard

    def halted(self) -> list[Halt]:
        """Everything that is halted now."""
        return self.halts.every()

    def halt(self, user: str, asked: str) -> Halt:
        """Halts all changes, or those of the shard or action that the words begin with.

        Raises NotAllowed, UnknownTarget or WrongUsage.
        """
        self._must_hold(user, "admin")
        scope, reason = self._scope(asked)
        halt = Halt(by=user, reason=reason[:MAX_REASON] or "no reason given", since=self.now(), scope=scope)
        self.store.set_halt(halt, actor=user)
        return halt

    def resume(self, user: str, asked: str = "") -> str:
        """Lifts a halt; returns what holds on, or ''. Raises NotAllowed, UnknownTarget or WrongUsage."""
        self._must_hold(user, "admin")
        scope, rest = self._scope(asked)
        if rest:
            raise WrongUsage(f"{rest!r} is no scope; write /mate resume, or with {SHARD}NAME or {ACTION}NAME.")
        self.store.lift_halt(scope, actor=user)
        return " ".join(f"{halt} {halt.lifted_by}" for halt in self.halted())

    def _scope(self, asked: str) -> tuple[str, str]:
        scope, rest = scope_of(asked)
        kind, _, name = scope.partition(":")
        known = sorted(REMEDIATIONS) if kind == "action" else shards(self.fleet)
        if scope and name not in known:
            raise UnknownTarget(f"There is no {kind} {name!r}{did_you_mean(name, known)}")
        return scope, rest

    # -- segments -------------------------------------------------------------------------------------------------

    def advance(self, steps: Steps, run_id: str, segment: str) -> None:
        """Runs one segment; a segment that breaks ends its run visibly, it never leaves it hanging."""
        try:
            self._advance(steps, run_id, segment)
        except Overtaken as overtaken:
            log.warning("segment %s stops here: %s", segment, overtaken)
        except StoreDown as error:
            # Nothing can be said of the run either; it is found and gone on with when the store is back.
            log.warning("segment %s of run %s waits for the store: %s", segment, run_id, error)
        except Exception as error:
            # The edge of the engine: whatever broke, somebody waits for this run.
            log.exception("segment %s of run %s broke", segment, run_id)
            self._broke(run_id, segment, error)

    def _advance(self, steps: Steps, run_id: str, segment: str) -> None:
        match segment.split("-", 2):
            case ["triage"]:
                self.triage.triage(steps, run_id)
            case ["triage", "watch", number]:
                self.triage.watch(run_id, int(number))
            case ["triage", "again"]:
                self.triage.again(run_id)
            case ["expire"]:
                self.triage.expire(run_id)
            case ["resolved"] | ["report"]:
                self.triage.resolved(run_id)
                self.assignments.settle(run_id)
            case ["joined", _]:
                self.triage.publish(run_id)
            case ["change"] | ["change", _]:
                self.rollout.change(steps, run_id)
                self.assignments.settle(run_id)
            case ["silenced", number, _]:
                self.assignments.look(run_id, int(number))
            case ["unpause", begun]:
                self.pausing.unpause(self._known(run_id), begun)
            case ["revert", number]:
                self.undo.undo(steps, run_id, "its timer", only=int(number))
            case ["undo", _, user]:
                self.undo.undo(steps, run_id, mention(user))
            case _:
                raise FirstmateError(f"There is no segment {segment!r}.")

    def end_older(self) -> None:
        """Ends the runs that an older version began and this one cannot go on with, each with the reason."""
        for run, keys in self.store.older():
            says = (
                f"An older version of Firstmate began this run, and this one cannot read its {', '.join(keys)}. "
                f"Nothing more is done by it; look at {run.target or 'the instance'} and ask again with /runbook run."
            )
            self._fail(run, says, "run.older", unread=list(keys))

    def _broke(self, run_id: str, segment: str, error: Exception) -> None:
        kind = str(error) if isinstance(error, FirstmateError) else f"a bug ({type(error).__name__})"
        self.give_up(run_id, f"it stopped in {segment}: {kind.removesuffix('.')}")

    def give_up(self, run_id: str, why: str) -> None:
        """Ends a run that does not go on, visibly."""
        run = self.store.run(run_id)
        if run is None or run.state.ended:
            return
        says = f"Firstmate gave this run up: {why}. The log of the bot tells more; look at {run.target} by hand."
        self._fail(run, says, "run.broke", why=why)

    def _fail(self, run: Run, says: str, event: str, **data: Any) -> None:  # noqa: ANN401 - as in Store.save
        """Ends a run under way as failed, lets go of its shard and shows it."""
        ended = run.ending(RunState.FAILED, says, self.now())
        self.store.save(ended, expect=run.state, event=event, **data)
        self.store.release(run.shard, run.id)
        self.triage.publisher.publish(ended)

    # -- shared ---------------------------------------------------------------------------------------------------

    def _known(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        if run is None:
            raise NotAllowed(f"There is no run {run_id}; its records may have been deleted.")
        return run

    def _not_halted(self, run: Run, plan: Plan | None) -> None:
        halt = self.halts.holding(run.shard, plan.actions if plan else ())
        if halt is not None:
            raise NotAllowed(f"{halt} {halt.lifted_by}")

    def _not_taken(self, user: str, run: Run, digest: str) -> None:
        """Who took the incident decides first, so that nobody's approval is wasted on a change that would not run."""
        taken = run.taken.user if run.taken else user
        approved = any(each.user == taken and each.digest == digest for each in run.decisions)
        if taken != user and not approved:
            raise NotAllowed(f"{mention(taken)} works on it by hand; they approve first, or hand it back.")

    def must_operate(self, user: str, shard: str = "") -> None:
        """Raises NotAllowed for who is no operator, of this shard where one is named."""
        self._must_hold(user, "operator", shard=shard)

    def must_operate_all(self, user: str, shards: Sequence[str]) -> None:
        """Raises NotAllowed for who is no operator of each of these shards; held for all of them is one event."""
        says = ""
        for shard in shards:
            may, says = self.directory.may(user, "operator", shard=shard)
            if not may:
                raise NotAllowed(says)
        self.store.audit("role.held", actor=user, subject="operator", says=says, shards=list(shards))

    def _must_hold(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> None:
        may, says = self.directory.may(user, role, shard=shard, risk=risk, fresh=fresh)
        if not may:
            raise NotAllowed(says)
        self.store.audit("role.held", actor=user, subject=role, says=says, shard=shard, risk=risk)
