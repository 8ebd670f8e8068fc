"""Collects what the guards judge by; the judging itself is in bot.guards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actions.contract import MySQL, Refused, Remediation, Unreadable
from bot.config import Role
from bot.engine.halts import Halts
from bot.engine.ports import Begun, Directory, Fleet, Store
from bot.engine.state import RISKS, Change, Choice, Plan, Run, Target
from bot.errors import FirstmateError
from bot.guards.facts import AUTOMATIC, Earlier, Facts, Frozen, Place, Radius, Spent, Stage, mention
from bot.policy import Policy
from bot.runbook.schema import AUTONOMY, Autonomy

HOUR = timedelta(hours=1)
"""What budgets are for."""
SHELL = "shell:"
"""Prefix of a caller who has a shell on the bot's own host; that shell is what the identity was checked against."""


@dataclass(frozen=True, slots=True)
class Made:
    """A change of a plan, with its target and the remediation that makes it."""

    change: Change
    target: Target | None
    remediation: Remediation
    planned_server: str
    """The identity of the server when the plan was made."""
    due: bool = True
    """Whether its own check is asked now; one that follows another on its target is checked when its turn comes."""
    says: str = ""
    """Why it could not be planned again."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Looks at everything that a guard may want to know of a run."""

    fleet: Fleet
    store: Store
    directory: Directory
    halts: Halts
    ceiling: Autonomy = "suggest"
    """How far the configuration lets any runbook go."""
    policy: Policy = field(default_factory=Policy)

    def collect(self, run: Run, plan: Plan, made: Sequence[Made], *, stage: Stage, now: datetime) -> Facts:
        """Returns all facts of these changes of the plan; what cannot be had stands in them as such, and the guards
        refuse on it."""
        may, caller_says = self._caller(run.requester, stage)
        approvers, discounted = self._approvers(run, plan, stage)
        held = self.store.holder(run.shard, besides=run.id)
        denied = next((d.user for d in run.decisions if d.choice is Choice.DENY), None)
        begun = self._begun(run, now)
        autonomy = self.autonomy(run, plan)
        needed = 0 if autonomy == "auto" and run.requester == AUTOMATIC else self.approvals(run, plan)
        return Facts(
            stage=stage,
            now=now,
            halt=self.halts.holding(run.shard, plan.actions),
            caller=run.requester,
            caller_may_ask=may,
            caller_says=caller_says,
            places=tuple(self._place(each) for each in made),
            shard=run.shard,
            holder=held[0] if held else None,
            holder_until=held[1] if held else None,
            autonomy=autonomy,
            approvals_needed=needed,
            approvers=approvers,
            discounted=discounted,
            denied_by=denied,
            # An approval that was complete in time does not expire while the change waits for its turn.
            expires_at=run.expires_at if len(approvers) < needed else None,
            approved_digest=run.plan.digest if run.plan else None,
            plan_digest=plan.digest,
            frozen=self._frozen(run.shard, now),
            earlier=self._earlier(run, plan, begun, now),
            budgets=self._budgets(run, plan, [each for each in begun if each.at >= now - HOUR]),
            radius=self._radius(plan),
        )

    def approvals(self, run: Run, plan: Plan) -> int:
        """How many people must approve it: what the run asks for, or the policy for a risk like this."""
        by_risk: int = getattr(self.policy.approvals, plan.risk)
        return max(run.approvals_needed, by_risk)

    def _frozen(self, shard: str, now: datetime) -> Frozen | None:
        held = self.policy.freeze(shard, now)
        return Frozen(held[0].name, held[0].reason, held[1]) if held else None

    def _begun(self, run: Run, now: datetime) -> Sequence[Begun]:
        """The changes of other runs that may still count, the oldest first."""
        return self.store.changes(since=now - max(HOUR, self._cooldown), besides=run.id)

    @property
    def _cooldown(self) -> timedelta:
        return timedelta(seconds=self.policy.cooldown)

    def _earlier(self, run: Run, plan: Plan, begun: Sequence[Begun], now: datetime) -> Earlier | None:
        """The last change of another run that this plan would repeat too soon."""
        acknowledged = self.store.acknowledged(run.shard)
        for each in reversed(begun):
            if each.shard == run.shard and each.action in plan.actions:
                until = each.at + self._cooldown
                cools = until > now and (acknowledged is None or each.at >= acknowledged)
                return Earlier(each.run, each.action, each.at, until) if cools else None
        return None

    def _budgets(self, run: Run, plan: Plan, begun: Sequence[Begun]) -> tuple[Spent, ...]:
        """What is spent of each budget by the changes of the last hour."""
        limits = self.policy.budgets
        actions = [
            Spent(
                action,
                sum(each.action == action for each in begun),
                sum(change.action == action for change in plan.changes),
                limits.action,
            )
            for action in plan.actions
        ]
        shard = Spent(
            f"shard {run.shard}", sum(each.shard == run.shard for each in begun), len(plan.changes), limits.shard
        )
        return (*actions, shard, Spent("the fleet", len(begun), len(plan.changes), limits.fleet))

    def _radius(self, plan: Plan) -> Radius | None:
        """How many of its shard's replicas a plan changes; None where the inventory does not know its targets."""
        try:
            targets = [self.fleet.find(name) for name in plan.targets]
        except FirstmateError:
            return None
        if not targets:
            return None
        replicas = sum(each.role is Role.REPLICA for each in targets[0].shard.instances)
        changed = sum(each.instance.role is Role.REPLICA for each in targets)
        return Radius(replicas, changed, self.policy.most_replicas(plan.risk, replicas))

    def autonomy(self, run: Run, plan: Plan) -> Autonomy:
        """How far the run's runbook may go: never beyond the configuration, and alone only where it can be undone."""
        limit = self.ceiling if plan.risk == RISKS[0] else min(self.ceiling, "suggest", key=AUTONOMY.index)
        return min(run.autonomy, limit, key=AUTONOMY.index)

    def _place(self, made: Made) -> Place:
        """Who the server says it is, and what the action's own check says."""
        change, target = made.change, made.target
        if target is None:
            says = "The target is unknown."
            return Place(change.target, None, None, says, made.planned_server, "", says)
        role = target.instance.role
        try:
            with self.fleet.read(target.shard, target.instance) as db:
                identity = self.fleet.identify(db)
                checked = _check(made.remediation, db) if made.due else None
        except (FirstmateError, Unreadable) as error:
            check = f"The check could not be made: {error}"
            return Place(change.target, role, None, str(error), made.planned_server, "", check)
        check_says = checked or made.says or None
        return Place(
            change.target, role, identity.role, identity.says, made.planned_server, identity.server, check_says
        )

    def _caller(self, caller: str, stage: Stage) -> tuple[bool, str]:
        if caller == AUTOMATIC:
            return True, "An alert asked; Firstmate itself may propose, never approve."
        if caller.startswith(SHELL):
            return True, f"{caller.removeprefix(SHELL)} asked from a shell on the bot's own host."
        return self.directory.may(caller, "operator", fresh=stage is Stage.BEFORE_CHANGE)

    def _approvers(self, run: Run, plan: Plan, stage: Stage) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The approvals that count, and those that do not with their reasons."""
        counted, discounted = [], []
        for decision in run.decisions:
            if decision.choice is not Choice.APPROVE:
                continue
            reason = self._discount(run, plan, decision.user, decision.digest, stage)
            if reason is None:
                counted.append(decision.user)
            else:
                discounted.append(f"{mention(decision.user)}: {reason}")
        return tuple(counted), tuple(discounted)

    def _discount(self, run: Run, plan: Plan, user: str, digest: str, stage: Stage) -> str | None:
        if user.startswith(SHELL):
            return None
        if user == run.requester:
            return "asked for the change"
        if digest != plan.digest:
            return "approved another plan"
        may, says = self.directory.may(user, "approver", fresh=stage is Stage.BEFORE_CHANGE)
        return None if may else says


def _check(remediation: Remediation, db: MySQL) -> str | None:
    try:
        remediation.check(db)
    except (Refused, Unreadable) as refused:
        return str(refused)
    return None
