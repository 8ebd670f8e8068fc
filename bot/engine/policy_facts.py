"""Collects the facts that the policy limits: the changes that were started, and the state of the replicas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions.contract import MySQL, Unreadable
from actions.diagnostics.mysql.replica_status import replica_status
from bot.config import Role
from bot.engine.plan import Plan
from bot.engine.ports import BegunChange, Fleet, Store
from bot.engine.run import Run
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.guards.facts import Earlier, Flapping, Floor, Frozen, Radius, Spent
from bot.policy import Policy
from bot.runbook.diagnosis.remedies import rebuild

HOUR = timedelta(hours=1)
"""The scopes of budgets."""
FLOOR = "the policy's serving_floor"
ACKERS = "the number of semi-synchronous replicas that the primary waits for"


@dataclass(frozen=True, slots=True)
class History:
    """The changes of other runs that may still count, oldest first, and the last acknowledgement of the shard."""

    begun: Sequence[BegunChange]
    acknowledged: datetime | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Collects the facts for the guards of the policy."""

    fleet: Fleet
    store: Store
    policy: Policy

    def history(self, run: Run, now: datetime) -> History:
        """Returns the changes of other runs, as far back as any limit reaches."""
        since = now - max(HOUR, self._cooldown, self._flapping)
        return History(self.store.changes(since=since, besides=run.id), self.store.acknowledged(run.shard))

    @property
    def _cooldown(self) -> timedelta:
        return timedelta(seconds=self.policy.cooldown)

    @property
    def _flapping(self) -> timedelta:
        return timedelta(seconds=self.policy.flapping.within)

    def frozen(self, shard: str, now: datetime) -> Frozen | None:
        """Returns the active freeze that ends last."""
        held = self.policy.freeze(shard, now)
        return Frozen(held[0].name, held[0].reason, held[1]) if held else None

    def earlier(self, shard: str, plan: Plan, history: History, now: datetime) -> Earlier | None:
        """Returns the last change of another run that this plan would repeat within the cooldown."""
        for each in reversed(_unseen(shard, history)):
            if each.action in plan.actions:
                until = each.at + self._cooldown
                return Earlier(each.run, each.action, each.at, until) if until > now else None
        return None

    def flapping(self, shard: str, plan: Plan, history: History, now: datetime) -> Flapping | None:
        """Returns the action of the plan that was made too often in the shard without an acknowledgement."""
        limit = self.policy.flapping
        recent = [each for each in _unseen(shard, history) if each.at > now - self._flapping]
        for action in plan.actions:
            times = len({each.run for each in recent if each.action == action})
            if limit.times and times >= limit.times:
                return Flapping(action, times, limit.within)
        return None

    def budgets(self, shard: str, plan: Plan, history: History, now: datetime) -> tuple[Spent, ...]:
        """Returns how much of each budget the changes of the last hour have used."""
        limits = self.policy.budgets
        begun = [each for each in history.begun if each.at >= now - HOUR]
        actions = [
            Spent(
                action,
                sum(each.action == action for each in begun),
                sum(change.action == action for change in plan.changes),
                limits.action,
            )
            for action in plan.actions
        ]
        there = Spent(f"shard {shard}", sum(each.shard == shard for each in begun), len(plan.changes), limits.shard)
        return (*actions, there, Spent("the fleet", len(begun), len(plan.changes), limits.fleet))

    def radius(self, plan: Plan) -> Radius | None:
        """Returns how many of its shard's replicas a plan changes; None when its targets are not in the inventory."""
        targets = self._targets(plan)
        if not targets:
            return None
        replicas = sum(each.role is Role.REPLICA for each in targets[0].shard.instances)
        names = {each.name for each in (*targets, *self._drained(plan)[0]) if each.instance.role is Role.REPLICA}
        changed = len(names)
        return Radius(replicas, changed, self.policy.most_replicas(plan.risk, replicas))

    def floor(self, plan: Plan) -> Floor | None:
        """Returns how many replicas serve besides those that the plan takes out; None when it takes none out.

        What cannot be read does not serve, and a primary that cannot be asked needs all that are left.
        """
        stopped = {change.target for change in plan.changes if rebuild(change.action, change.parameters).takes_out}
        targets = [each for each in self._targets(plan) if each.name in stopped and each.instance.role is Role.REPLICA]
        drained, stranger = self._drained(plan)
        if stranger:
            return Floor(0, 0, 0, "", stranger)
        targets += drained
        if not targets:
            return None
        out, shard = {each.name for each in targets}, targets[0].shard
        replicas = [Target(each, shard) for each in shard.instances if each.role is Role.REPLICA]
        serving = [each.name for each in replicas if self._serves(each)]
        taken = sum(name in out for name in serving)
        ackers = self._ackers(targets[0])
        if ackers is None:
            return Floor(
                len(serving),
                taken,
                len(serving),
                "the primary did not report how many semi-synchronous replicas it waits for",
            )
        least = max(ackers, self.policy.serving_floor)
        return Floor(len(serving), taken, least, ACKERS if ackers > self.policy.serving_floor else FLOOR)

    def _targets(self, plan: Plan) -> list[Target]:
        try:
            return [self.fleet.find(name) for name in plan.targets]
        except FirstmateError:
            return []

    def _drained(self, plan: Plan) -> tuple[list[Target], str]:
        """Returns the replicas that the plan drains at proxies, or the reason why one of them must stay in service."""
        found: dict[str, Target] = {}
        for change in plan.changes:
            try:
                address = rebuild(change.action, change.parameters).drains
            except FirstmateError as error:
                return [], str(error)
            if not address:
                continue
            try:
                server, shard = self.fleet.find(address), self.fleet.find(change.target).shard.name
            except FirstmateError as error:
                return [], f"The plan takes {address} out of service at {change.target}. {error}"
            if server.shard.name != shard or server.instance.role is not Role.REPLICA:
                role = server.instance.role
                instead = " Use a planned failover instead." if role is Role.PRIMARY else ""
                return [], (
                    f"The plan takes {server.name} out of service, which is a {role.value} of {server.shard.name} "
                    f"according to the inventory. Only replicas of {shard} can be taken out of service.{instead}"
                )
            found[server.name] = server
        return list(found.values()), ""

    def _serves(self, replica: Target) -> bool:
        try:
            with self.fleet.read(replica.shard, replica.instance) as db:
                return bool(replica_status(db).running)
        except (FirstmateError, Unreadable):
            return False

    def _ackers(self, target: Target) -> int | None:
        """Returns how many replicas must acknowledge each transaction; None when the primary cannot be asked."""
        if target.primary is None:
            return None
        try:
            with self.fleet.read(target.shard, target.primary) as db:
                return ackers(db)
        except (FirstmateError, Unreadable):
            return None


def ackers(db: MySQL) -> int:
    """Returns how many replicas the primary waits for at each commit; 0 without semi-synchronous replication.

    MySQL 8.0.26 renamed `rpl_semi_sync_master_*` to `rpl_semi_sync_source_*`; MariaDB waits for one (MySQL manual,
    "Semisynchronous Replication"; MariaDB documentation, same title).
    """
    rows = db.rows("SHOW GLOBAL VARIABLES LIKE %s", ["rpl\\_semi\\_sync\\_%"])
    found = {str(row["Variable_name"]): str(row["Value"]) for row in rows}
    waits = [found.get(f"rpl_semi_sync_{name}_enabled", "OFF").upper() in ("ON", "1") for name in ("source", "master")]
    if not any(waits):
        return 0
    count = found.get("rpl_semi_sync_source_wait_for_replica_count")
    return int(count or found.get("rpl_semi_sync_master_wait_for_slave_count", "1"))


def _unseen(shard: str, history: History) -> list[BegunChange]:
    """Returns the changes in the shard since it was last acknowledged."""
    seen = history.acknowledged
    return [each for each in history.begun if each.shard == shard and (seen is None or each.at >= seen)]
