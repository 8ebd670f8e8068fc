"""What every guard would say of one action that one person asks for now: nothing is stored, asked or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.engine.engine import Engine
from bot.engine.plan import Plan
from bot.guards import judge
from bot.guards.facts import Stage, Verdict


@dataclass(frozen=True, slots=True)
class Explained:
    """The action as it would be planned, what the guards say, and whether this person could approve it for others."""

    plan: Plan
    verdicts: tuple[Verdict, ...]
    approvals_needed: int
    may_approve: bool
    approver_says: str


def explain(engine: Engine, user: str, action: str, target: str, given: Mapping[str, object]) -> Explained:
    """Asks all guards; raises UnknownTarget, UnknownAction, or WrongUsage for parameters that do not fit."""
    place = engine.fleet.find(target)
    plan, made = engine.triage.planner.alone(action, given, place)
    collector, run = engine.triage.collector, engine.run_factory.bare(user, place)
    facts = collector.collect(run, plan, made, stage=Stage.BEFORE_ASKING, now=engine.now())
    may, says = engine.directory.may(user, "approver", shard=run.shard, risk=plan.risk)
    return Explained(plan, judge(facts), facts.approvals_needed, may, says)
