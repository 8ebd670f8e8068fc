"""Collects what the guards judge by; the judging itself is in bot.guards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actions.contract import MySQL, Refused, Remediation, Unreadable
from bot.engine.ports import Directory, Fleet, Identity, Store
from bot.engine.state import Choice, Plan, Run, Target
from bot.errors import FirstmateError
from bot.guards.facts import Facts, Stage, mention

AUTOMATIC = "firstmate"
"""The caller of a run that an alert began."""
SHELL = "shell:"
"""Prefix of a caller who has a shell on the bot's own host; that shell is what the identity was checked against."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Looks at everything that a guard may want to know of a run."""

    fleet: Fleet
    store: Store
    directory: Directory

    def collect(
        self, run: Run, target: Target | None, plan: Plan, remediation: Remediation, *, stage: Stage, now: datetime
    ) -> Facts:
        """Returns all facts; what cannot be had stands in them as such, and the guards refuse on it."""
        identity, server_says, check_says = self._server(target, remediation)
        may, caller_says = self._caller(run.requester, stage)
        approvers, discounted = self._approvers(run, plan, stage)
        held = self.store.holder(run.shard, besides=run.id)
        denied = next((d.user for d in run.decisions if d.choice is Choice.DENY), None)
        return Facts(
            stage=stage,
            now=now,
            halt=self.store.halt(),
            caller=run.requester,
            caller_may_ask=may,
            caller_says=caller_says,
            target=run.target,
            inventory_role=target.instance.role if target else None,
            server_role=identity.role if identity else None,
            server_says=server_says,
            planned_server=plan.server,
            server=identity.server if identity else "",
            shard=run.shard,
            holder=held[0] if held else None,
            holder_until=held[1] if held else None,
            approvals_needed=run.approvals_needed,
            approvers=approvers,
            discounted=discounted,
            denied_by=denied,
            # An approval that was complete in time does not expire while the change waits for its turn.
            expires_at=run.expires_at if len(approvers) < run.approvals_needed else None,
            approved_digest=run.plan.digest if run.plan else None,
            plan_digest=plan.digest,
            check_says=check_says,
        )

    def _server(self, target: Target | None, remediation: Remediation) -> tuple[Identity | None, str, str | None]:
        """Who the server says it is, and what the action's own check says."""
        if target is None:
            return None, "the target is unknown", "The target is unknown."
        try:
            with self.fleet.read(target.shard, target.instance) as db:
                identity = self.fleet.identify(db)
                return identity, identity.says, _check(remediation, db)
        except (FirstmateError, Unreadable) as error:
            return None, str(error), f"The check could not be made: {error}"

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
