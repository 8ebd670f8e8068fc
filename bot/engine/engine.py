"""The engine: what alerts and people ask of it, and the segments that the queue hands back."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from actions.catalog import REMEDIATIONS
from bot.alerts import Alert, AlertStatus, parse_labels
from bot.config import Approvals
from bot.engine.change import utc_now
from bot.engine.halts import ACTION, MAX_REASON, SHARD, Halts, scope_of
from bot.engine.planning import inputs_of
from bot.engine.ports import Directory, Fleet, Receipt, Steps, Store
from bot.engine.rollout import Rollout
from bot.engine.state import Choice, Decision, Event, Plan, Run, RunState, Target
from bot.engine.takeover import Takeovers
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.errors import Busy, FirstmateError, NotAllowed, UnknownTarget, WrongUsage
from bot.guards.facts import Halt, mention
from bot.incidents import incident_key
from bot.runbook.load import Library
from bot.runbook.match import Tie, choose
from bot.runbook.schema import Runbook
from bot.runbook.shelf import Shelf
from bot.runbook.signatures import near

log = logging.getLogger(__name__)

FIRST_LOOK = "mysql/first-look"
"""The runbook of /triage: it answers no alert, and looks at everything once."""


RECENT = 200
"""Runs among which an alert is looked for by its name."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Opens runs and moves them on."""

    shelf: Shelf
    fleet: Fleet
    store: Store
    directory: Directory
    triage: Triage
    rollout: Rollout
    undo: Undo
    takeovers: Takeovers
    approvals: Approvals
    channel_of: Callable[[Alert], str]
    halts: Halts
    now: Callable[[], datetime] = utc_now

    @property
    def library(self) -> Library:
        """The runbooks in force now; a reload puts others there, and never touches those of a run."""
        return self.shelf.library

    # -- what alerts ask ------------------------------------------------------------------------------------------

    def receive(self, alerts: Sequence[Alert]) -> Sequence[Receipt]:
        """Stores alerts, each with the run that answers it; returns when they are stored."""
        return [self._receive(alert) for alert in alerts]

    def _receive(self, alert: Alert) -> Receipt:
        target = self.fleet.find_by_labels(alert.labels)
        run = self.run_for(alert, target)
        return self.store.receive(alert, key=incident_key(alert, run.runbook, run.target), run=run)

    def run_for(self, alert: Alert, target: Target | None) -> Run:
        """The run that answers an alert; one without a runbook says why there is none."""
        found = choose(self.library.runbooks, alert)
        run = self._new(alert, target, requester="firstmate", channel=self.channel_of(alert))
        if isinstance(found, Tie):
            names = " and ".join(found.names)
            return replace(run, says=f"{names} answer this alert equally well; make one of them more specific.")
        if found is None:
            where = f" Look at {run.target} with /triage {run.target}." if run.target else ""
            return replace(run, says=f"No runbook answers {alert.name or 'this alert'}.{where}")
        return _by(run, found.runbook, matched=found.matcher)

    # -- what people ask ------------------------------------------------------------------------------------------

    def ask(self, user: str, runbook: str, target: str, channel: str, inputs: Mapping[str, str] | None = None) -> Run:
        """Opens a run of a runbook on a target for a person; raises RunbookError, UnknownTarget, WrongUsage or Busy."""
        run = self.run_of(user, runbook, target, channel=channel, inputs=inputs or {})
        if not self.store.open_run(run, key=f"{run.runbook}@{run.target}", actor=user):
            raise Busy(f"A run of {run.runbook} on {run.target} is under way; see its thread, or /mate status.")
        return run

    def run_of(self, user: str, runbook: str, target: str, *, channel: str, inputs: Mapping[str, str]) -> Run:
        """The run that a person asks for, not yet stored; raises RunbookError, UnknownTarget or WrongUsage."""
        found = self.library.find(runbook)
        place = self.fleet.find(target)
        asked = self._new(None, place, requester=user, channel=channel)
        run = _by(replace(asked, overrides=self._named(found, inputs)), found, matched="asked by a person")
        inputs_of(run, found)
        return run

    def alert_of(self, asked: str) -> Alert:
        """The alert that a person means: that of a run, the last of a name, or one with these labels.

        Raises WrongUsage for what is none of them.
        """
        if "=" in asked:
            return Alert(parse_labels(asked), AlertStatus.FIRING, self.now())
        run = self.store.run(asked)
        if run is not None and run.alert is None:
            raise WrongUsage(f"{asked} was asked for by a person, so no alert chose its runbook.")
        if run is None:
            recent = self.store.runs(limit=RECENT)
            run = next((each for each in recent if each.alert is not None and each.alert.name == asked), None)
        if run is not None and run.alert is not None:
            return run.alert
        return Alert({"alertname": asked}, AlertStatus.FIRING, self.now())

    def _named(self, runbook: Runbook, inputs: Mapping[str, str]) -> dict[str, Any]:
        """What a person gave, with instances and shards by their own names; raises UnknownTarget."""
        given: dict[str, Any] = dict(inputs)
        for name, value in inputs.items():
            declared = runbook.inputs.get(name)
            if declared is not None and declared.type == "instance":
                given[name] = self.fleet.find(value).name
            elif declared is not None and declared.type == "shard":
                self._known_shard(value)
        return given

    def decide(self, user: str, run_id: str, digest: str, choice: Choice) -> Run:
        """Takes one person's decision; raises NotAllowed with the reason when it cannot count."""
        run = self._known(run_id)
        self._must_hold(user, "approver")
        if choice is Choice.APPROVE:
            if user == run.requester:
                raise NotAllowed("You asked for this change, so somebody else must approve it.")
            self._not_halted(run, run.offered(digest) or run.plan)
        return self.store.decide(run_id, Decision(user, choice, digest, self.now()))

    def ask_undo(self, user: str, run_id: str, digest: str) -> Run:
        """Takes a person's wish to restore what a change replaced; raises NotAllowed."""
        run = self._known(run_id)
        self._must_hold(user, "approver", fresh=True)
        self._not_halted(run, run.plan)
        if run.state is not RunState.MENDED or run.plan is None or not run.plan.undo:
            raise NotAllowed(f"Run {run_id} is {run.state.value}; there is nothing to undo. {run.says}")
        if run.plan.digest != digest:
            raise NotAllowed(f"The plan of run {run_id} is not the one that you saw; look at the newest card.")
        self.store.audit("undo.asked", actor=user, subject=run_id, digest=digest)
        # The same press again is the same segment; after one that failed, which left its event, it is a new one.
        self.store.enqueue(run_id, f"undo-{len(run.timeline)}-{user}")
        return run

    def take(self, user: str, run_id: str, *, back: bool = False) -> Run:
        """A person takes an incident, or hands it back; raises NotAllowed or Busy."""
        self.must_operate(user)
        run = self._known(run_id)
        return self.takeovers.hand_back(user, run) if back else self.takeovers.take(user, run)

    def acknowledge(self, user: str, shard: str) -> str:
        """Ends the cooldowns of a shard, and returns its name; raises NotAllowed or UnknownTarget."""
        self.must_operate(user)
        self._known_shard(shard)
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
        known = sorted(REMEDIATIONS) if kind == "action" else self._shards()
        if scope and name not in known:
            raise UnknownTarget(f"There is no {kind} {name!r}{near(name, known)}")
        return scope, rest

    # -- segments -------------------------------------------------------------------------------------------------

    def advance(self, steps: Steps, run_id: str, segment: str) -> None:
        """Runs one segment; a segment that breaks ends its run visibly, it never leaves it hanging."""
        try:
            self._advance(steps, run_id, segment)
        except Exception as error:
            # The edge of the engine: whatever broke, somebody waits for this run.
            log.exception("segment %s of run %s broke", segment, run_id)
            self._broke(run_id, segment, error)

    def _advance(self, steps: Steps, run_id: str, segment: str) -> None:
        match segment.split("-", 2):
            case ["triage"]:
                self.triage.triage(steps, run_id)
            case ["expire"]:
                self.triage.expire(run_id)
            case ["resolved"] | ["report"]:
                self.triage.resolved(run_id)
                self.takeovers.settle(run_id)
            case ["change"]:
                self.rollout.change(steps, run_id)
                self.takeovers.settle(run_id)
            case ["silenced", number, _]:
                self.takeovers.look(run_id, int(number))
            case ["revert", number]:
                self.undo.undo(steps, run_id, "its timer", only=int(number))
            case ["undo", _, user]:
                self.undo.undo(steps, run_id, mention(user))
            case _:
                raise FirstmateError(f"There is no segment {segment!r}.")

    def _broke(self, run_id: str, segment: str, error: Exception) -> None:
        run = self.store.run(run_id)
        if run is None or run.state.ended:
            return
        kind = str(error) if isinstance(error, FirstmateError) else f"a bug ({type(error).__name__})"
        says = f"Firstmate stopped in {segment}: {kind}. The log of the bot tells more; look at {run.target} by hand."
        ended = replace(run, state=RunState.FAILED, says=says, timeline=(*run.timeline, Event(self.now(), says)))
        self.store.save(ended, expect=run.state, event="run.broke", segment=segment, kind=type(error).__name__)
        self.store.release(run.shard, run_id)
        self.triage.desk.publish(ended)

    # -- shared ---------------------------------------------------------------------------------------------------

    def _new(self, alert: Alert | None, target: Target | None, *, requester: str, channel: str) -> Run:
        token = secrets.token_hex(5)
        return Run(
            id=f"r-{token}",
            incident=f"i-{token}",
            channel=channel,
            state=RunState.TRIAGING,
            opened_at=self.now(),
            alert=alert,
            requester=requester,
            runbook="",
            runbook_digest="",
            runbook_text="",
            title=alert.name if alert else "",
            target=target.name if target else "",
            shard=target.shard.name if target else "",
            approvals_needed=self.approvals.count,
            timeline=(Event(self.now(), "alert received" if alert else f"asked by {mention(requester)}"),),
        )

    def _known(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        if run is None:
            raise NotAllowed(f"There is no run {run_id}; its records may have been deleted.")
        return run

    def _not_halted(self, run: Run, plan: Plan | None) -> None:
        halt = self.halts.holding(run.shard, plan.actions if plan else ())
        if halt is not None:
            raise NotAllowed(f"{halt} {halt.lifted_by}")

    def must_operate(self, user: str) -> None:
        """Raises NotAllowed for who is no operator."""
        self._must_hold(user, "operator")

    def _must_hold(self, user: str, role: str, *, fresh: bool = False) -> None:
        may, says = self.directory.may(user, role, fresh=fresh)
        if not may:
            raise NotAllowed(says)

    def _shards(self) -> list[str]:
        return sorted({each.shard.name for each in self.fleet.targets()})

    def _known_shard(self, name: str) -> None:
        """Raises UnknownTarget with the nearest name."""
        shards = self._shards()
        if name not in shards:
            raise UnknownTarget(f"The inventory knows no shard {name!r}{near(name, shards)}")


def _by(run: Run, runbook: Runbook, *, matched: str) -> Run:
    """The run with all that it needs of its runbook: a reload changes nothing of it."""
    return replace(
        run,
        runbook=runbook.runbook,
        runbook_digest=runbook.digest,
        runbook_text=runbook.text,
        title=runbook.title,
        autonomy=runbook.autonomy,
        notes=runbook.notes or "",
        links=tuple((each.title, each.url) for each in runbook.links),
        matched=matched,
    )
