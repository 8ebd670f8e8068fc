"""Collects the facts for the guards, which are in bot.guards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from actions.contract import MySQL, Refused, Remediation, Unreadable
from actions.diagnostics.mysql.shard_roles import ShardRoles, shard_roles
from actions.managed_services import refused_by_service
from bot.config import Role, Shard, Tablet
from bot.engine.active_halts import Halts
from bot.engine.plan import RISKS, Change, Plan
from bot.engine.policy_facts import Limits
from bot.engine.ports import Directory, Fleet, Identity, Store
from bot.engine.run import Choice, Decision, Run
from bot.engine.server_kinds import read_kinds
from bot.engine.target_selection import out_of_place, refused_on_tablet
from bot.engine.targets import Target
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.errors import FirstmateError
from bot.guards.approver_eligibility import Approver, ineligible
from bot.guards.facts import AUTOMATIC, SHELL, Facts, Place, Repair, Stage
from bot.policy import Policy
from bot.runbook.language.kinds import not_changed
from bot.runbook.language.schema import AUTONOMY, Autonomy


@dataclass(frozen=True, slots=True)
class ResolvedChange:
    """A change of a plan, with its target and the remediation that makes it."""

    change: Change
    target: Target | None
    remediation: Remediation
    planned_server: str
    """The identity of the server when the plan was made."""
    due: bool = True
    """Whether its precondition is checked now; that of a change that follows another one is checked later."""
    says: str = ""
    """Why it could not be planned again."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Collects everything that the guards know about a run."""

    fleet: Fleet
    store: Store
    directory: Directory
    halts: Halts
    vtorc_repairs: VtorcRepairs
    ceiling: Autonomy = "suggest"
    """The highest autonomy that the configuration allows."""
    policy: Policy = field(default_factory=Policy)

    def collect(self, run: Run, plan: Plan, made: Sequence[ResolvedChange], *, stage: Stage, now: datetime) -> Facts:
        """Returns all facts about these changes of the plan. The guards refuse a change with a fact that is unknown."""
        may, caller_says = self._caller(run, stage)
        approvers, discounted = self._approvers(run, plan, stage)
        held = self.store.holder(run.shard, besides=run.id)
        denied = next((d.user for d in run.decisions if d.choice is Choice.DENY), None)
        limits = Limits(self.fleet, self.store, self.policy)
        history = limits.history(run, now)
        autonomy = self.autonomy(run, plan)
        needed = 0 if autonomy == "auto" and run.requester == AUTOMATIC else self.approvals(run, plan)
        return Facts(
            stage=stage,
            now=now,
            halt=self.halts.holding(run.shard, plan.actions),
            caller=run.requester,
            caller_may_ask=may,
            caller_says=caller_says,
            places=self._places(run, made),
            shard=run.shard,
            holder=held[0] if held else None,
            holder_until=held[1] if held else None,
            autonomy=autonomy,
            approvals_needed=needed,
            approvers=approvers,
            discounted=discounted,
            denied_by=denied,
            # An approval that was complete in time does not expire while the change waits for its batch.
            expires_at=run.expires_at if len(approvers) < needed else None,
            approved_digest=run.plan.digest if run.plan else None,
            plan_digest=plan.digest,
            frozen=limits.frozen(run.shard, now),
            earlier=limits.earlier(run.shard, plan, history, now),
            flapping=limits.flapping(run.shard, plan, history, now),
            override=run.override,
            taken_by=run.taken.user if run.taken else None,
            budgets=limits.budgets(run.shard, plan, history, now),
            radius=limits.radius(plan),
            floor=limits.floor(plan),
            repair=self._repair(run, made, stage),
        )

    def _repair(self, run: Run, made: Sequence[ResolvedChange], stage: Stage) -> Repair | None:
        """Returns what VTOrc does in the shard; just before a change, waits for it to finish."""
        target = next((each.target for each in made if each.target is not None), None)
        activity = self.vtorc_repairs
        observe = activity.wait if stage is Stage.BEFORE_CHANGE else activity.observe
        found = observe(target, run.repair_within)
        return found if found is None or stage is Stage.BEFORE_CHANGE else replace(found, repaired="")

    def approvals(self, run: Run, plan: Plan) -> int:
        """Returns how many people must approve it: the run's number, or that of the policy for this risk if higher."""
        by_risk: int = getattr(self.policy.approvals, plan.risk)
        return max(run.approvals_needed, by_risk)

    def autonomy(self, run: Run, plan: Plan) -> Autonomy:
        """Returns the autonomy of the run: never above the configuration, and `auto` only for the lowest risk."""
        limit = self.ceiling if plan.risk == RISKS[0] else min(self.ceiling, "suggest", key=AUTONOMY.index)
        return min(run.autonomy, limit, key=AUTONOMY.index)

    def _places(self, run: Run, made: Sequence[ResolvedChange]) -> tuple[Place, ...]:
        """Returns the facts about each server; the members of its shard are asked once for all of them."""
        roles: dict[str, ShardRoles | None] = {}
        found = []
        for each in made:
            shard = each.target.shard if each.target is not None else None
            if shard is not None and shard.name not in roles:
                roles[shard.name] = self._roles(shard)
            found.append(self._place(run, each, roles[shard.name] if shard is not None else None))
        return tuple(found)

    def _roles(self, shard: Shard) -> ShardRoles | None:
        """Returns the roles by what the servers of a shard say; None under Vitess, whose topology decides them."""
        if any(isinstance(each, Tablet) for each in shard.instances):
            return None
        found: ShardRoles = shard_roles(self.fleet.members(shard))
        return found

    def _place(self, run: Run, made: ResolvedChange, roles: ShardRoles | None) -> Place:
        """Returns the identity of the server, and the result of the action's precondition."""
        change, target = made.change, made.target
        if target is None:
            says = "The target is not in the inventory."
            return Place(change.target, None, None, says, made.planned_server, "", says, may_change=False)
        role, may = target.instance.role, target.may_be_changed(made.remediation.reader)
        doubts = self.fleet.doubts(target.shard)
        stranger = out_of_place(change.action, made.remediation.reader, target) or refused_on_tablet(
            change.action, made.remediation, target
        )
        try:
            with self.fleet.read(target.shard, target.instance, made.remediation.reader) as db:
                identity = self.fleet.identify(db)
                known = read_kinds(db, target).known
                checked: str | None = stranger or _service(change.action, target, db)
                if not checked and made.due:
                    checked = _check(made.remediation, db)
        except (FirstmateError, Unreadable) as error:
            check = f"The precondition could not be checked: {error}"
            return Place(change.target, role, None, str(error), made.planned_server, "", check, may, doubts)
        check_says = checked or made.says or None
        server_role, server_says = _role(target, identity, roles)
        return Place(
            change.target,
            role,
            server_role,
            server_says,
            made.planned_server,
            identity.server,
            check_says,
            may,
            doubts,
            from_topology=isinstance(target.instance, Tablet),
            disagreement=roles.disagreement if roles else "",
            kind_says=not_changed(run.runbook, run.speaks_for, target.name, known) if run.runbook else "",
        )

    def _caller(self, run: Run, stage: Stage) -> tuple[bool, str]:
        caller = run.requester
        if caller == AUTOMATIC:
            return True, "An alert opened this run; Firstmate may propose a change but never approve it."
        if caller.startswith(SHELL):
            return True, f"{caller.removeprefix(SHELL)} asked from a shell on the bot's own host."
        return self.directory.may(caller, "operator", shard=run.shard, fresh=stage is Stage.BEFORE_CHANGE)

    def _approvers(self, run: Run, plan: Plan, stage: Stage) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The approvals that count, and those that do not with their reasons."""
        counted, discounted = [], []
        for decision in run.decisions:
            if decision.choice is not Choice.APPROVE:
                continue
            reason = ineligible(
                self._approver(run, plan, decision, stage), requester=run.requester, plan_digest=plan.digest
            )
            if reason is None:
                counted.append(decision.user)
            else:
                discounted.append(reason)
        return tuple(counted), tuple(discounted)

    def _approver(self, run: Run, plan: Plan, decision: Decision, stage: Stage) -> Approver:
        """The person of an approval, with the role as the directory knows it now."""
        fresh = stage is Stage.BEFORE_CHANGE
        may, says = self.directory.may(decision.user, "approver", shard=run.shard, risk=plan.risk, fresh=fresh)
        return Approver(decision.user, decision.digest, may, says)


def _role(target: Target, identity: Identity, roles: ShardRoles | None) -> tuple[Role | None, str]:
    """Returns the role of a target by what all servers of its shard say, or None with the reason."""
    member = next((each for each in roles.members if each.name == target.name), None) if roles else None
    if roles is None or member is None:
        return identity.role, identity.says
    if roles.standing == "several" and member.role == "primary":
        return target.instance.role, roles.reason
    if member.role == "unknown":
        return None, f"{identity.says}, and no member of {target.shard.name} follows it as its primary."
    return Role(member.role), roles.reason if member.role == "primary" else identity.says


def _service(action: str, target: Target, db: MySQL) -> str:
    """Returns why the managed service that the server belongs to refuses the action, or ''."""
    return "" if target.is_proxy or isinstance(target.instance, Tablet) else refused_by_service(action, db)


def _check(remediation: Remediation, db: MySQL) -> str | None:
    try:
        remediation.check(db)
    except (Refused, Unreadable) as refused:
        return str(refused)
    return None
