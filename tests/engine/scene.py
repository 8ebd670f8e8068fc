"""One shard, one approved change on a replica of it, and everything in order: what a test then takes away, it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.engine.active_halts import Halts
from bot.engine.approval_expiry import ApprovalExpiry
from bot.engine.dispatcher import Dispatcher
from bot.engine.effect_check import EffectCheck
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gatherer
from bot.engine.incident_assignment import Assignments
from bot.engine.pausing import Pausing
from bot.engine.plan import Plan
from bot.engine.planner import Observations, Planner
from bot.engine.rollout import Rollout
from bot.engine.run import Choice, Decision, Run, RunState
from bot.engine.silencing import Silencing
from bot.engine.triage import Triage
from bot.engine.undo import Undo
from bot.engine.user_commands import Commands
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.policy import Policy
from bot.runbook.language.schema import Runbook
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue, DirectSteps
from tests import samples
from tests.engine.commands_fixture import commands_of
from tests.engine.servers import Everybody, Fleet, Published, shard_of
from tests.samples import NOW

APPROVER, REQUESTER = "U0BOB", "firstmate"
TARGET = "orders-2"
REMEDY = {"use": "mysql.set_variable", "with": {"name": "max_connections", "value": 120, "revert_after": "1h"}}
RUNBOOK: Mapping[str, Any] = {
    "runbook": "mysql/x",
    "title": "x",
    "owner": "me",
    "gather": {"limits": {"use": "mysql.global_variables", "with": {"names": ["max_connections"]}}},
    "causes": [{"id": "few", "when": 'limits.values["max_connections"] == "100"', "says": "few", "remedy": "fix"}],
    "remedies": {"fix": REMEDY},
}


@dataclass
class Directory(Everybody):
    """All may do all, except for whom a role was taken from."""

    without: set[tuple[str, str]] = field(default_factory=set)

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        return (user, role) not in self.without, f"{user} and {role}"


@dataclass
class Scene:
    """The engine on stand-in servers and a real store."""

    database: Database
    policy: Policy = field(default_factory=Policy)
    remedy: Mapping[str, Any] = field(default_factory=lambda: REMEDY)
    run: Run = field(default_factory=lambda: samples.run(target=TARGET))
    fleet: Fleet = field(default_factory=lambda: Fleet((shard_of("orders", 5), shard_of("billing", 1))))
    directory: Directory = field(default_factory=Directory)
    publisher: Published = field(default_factory=Published)
    queue: DirectQueue = field(default_factory=DirectQueue)

    def __post_init__(self) -> None:
        self.store = RunStore(self.database, self.queue, clock=NOW.timestamp)
        self.store.open_run(self.run, key="k", actor="firstmate")

    @property
    def planner(self) -> Planner:
        return Planner(self.fleet, Gatherer(self.fleet), lambda name: self.runbook)

    @property
    def runbook(self) -> Runbook:
        return Runbook.model_validate({**RUNBOOK, "remedies": {"fix": dict(self.remedy)}})

    @property
    def collector(self) -> Collector:
        return Collector(
            self.fleet,
            self.store,
            self.directory,
            Halts(self.store),
            VtorcRepairs(self.fleet),
            self.run.autonomy,
            self.policy,
        )

    @property
    def triage(self) -> Triage:
        planner = self.planner
        return Triage(
            self.fleet, self.store, self.publisher, self.collector, planner.gatherer, planner, 300.0, lambda: NOW
        )

    @property
    def assignments(self) -> Assignments:
        return Assignments(self.store, self.publisher, Silencing({}), lambda: NOW)

    @property
    def pausing(self) -> Pausing:
        return Pausing(self.store, self.publisher, lambda: NOW)

    @property
    def commands(self) -> Commands:
        return commands_of(
            self.store, fleet=self.fleet, directory=self.directory, previews=self.triage, pausing=self.pausing
        )

    @property
    def undo(self) -> Undo:
        return Undo(self.fleet, self.store, self.publisher, Halts(self.store), now=lambda: NOW)

    @property
    def rollout(self) -> Rollout:
        return Rollout(
            self.fleet,
            self.store,
            self.publisher,
            self.collector,
            self.planner,
            self.undo,
            self.effects,
            0.0,
            now=lambda: NOW,
        )

    @property
    def effects(self) -> EffectCheck:
        return EffectCheck(self.fleet, self.store, self.publisher, Gatherer(self.fleet), lambda: NOW)

    @property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self.store,
            self.publisher,
            self.triage,
            ApprovalExpiry(self.store, self.publisher, lambda: NOW),
            self.rollout,
            self.effects,
            self.undo,
            self.assignments,
            self.pausing,
            lambda: NOW,
        )

    def plan(self) -> Plan:
        """The change as it is now, not asked for yet."""
        return self.planner.plan(Observations(self.runbook, self.fleet.find(TARGET), {}, {}, {}), "fix")[0]

    def approve(self, *, needed: int = 1) -> Plan:
        """The change is planned, offered and approved; where the runbook may act by itself nobody is asked."""
        plan = self.plan()
        if self.run.autonomy == "auto":
            self.store.approve_alone(replace(self.run, state=RunState.APPROVED, plan=plan))
            return plan
        self.store.wait(replace(self.run, plan=plan, approvals_needed=needed), expires_in=300)
        self.store.decide(self.run.id, Decision(APPROVER, Choice.APPROVE, plan.digest, NOW))
        return plan

    def advance(self, name: str = "change") -> Run:
        """Runs the segment that is stored under this name; returns the run as it is then."""
        self.dispatcher.advance(DirectSteps(), self.run.id, name)
        return self.stored

    @property
    def stored(self) -> Run:
        found = self.store.run(self.run.id)
        assert found is not None
        return found

    @property
    def issued(self) -> list[tuple[str, str]]:
        """Every statement that reached a server to change it."""
        return self.fleet.log
