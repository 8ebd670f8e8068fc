"""Explains what each guard would answer for one action that one person requests now. Stores and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.clock import utc_now
from bot.engine.fact_collector import Collector
from bot.engine.plan import Plan
from bot.engine.planner import Planner
from bot.engine.ports import Directory, Fleet
from bot.engine.run_factory import RunFactory
from bot.guards import judge
from bot.guards.facts import Stage, Verdict


@dataclass(frozen=True, slots=True)
class Explained:
    """The action as it would be planned, the guards' verdicts, and whether this person could approve it for others."""

    plan: Plan
    verdicts: tuple[Verdict, ...]
    approvals_needed: int
    may_approve: bool
    approver_says: str


@dataclass(frozen=True, slots=True)
class GuardExplainer:
    """Plans one action and asks all guards about it."""

    fleet: Fleet
    directory: Directory
    collector: Collector
    planner: Planner
    run_factory: RunFactory
    now: Callable[[], datetime] = utc_now

    def explain(self, user: str, action: str, target: str, given: Mapping[str, object]) -> Explained:
        """Returns all verdicts; raises UnknownTarget, or WrongUsage for an unknown action or parameter."""
        place = self.fleet.find(target)
        plan, made = self.planner.alone(action, given, place)
        run = self.run_factory.bare(user, place)
        facts = self.collector.collect(run, plan, made, stage=Stage.BEFORE_ASKING, now=self.now())
        may, says = self.directory.may(user, "approver", shard=run.shard, risk=plan.risk)
        return Explained(plan, judge(facts), facts.approvals_needed, may, says)
