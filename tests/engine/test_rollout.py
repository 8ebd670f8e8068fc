"""A remedy over several targets and steps: planned as a whole, made in batches, each verified before the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from bot.config import Role
from bot.engine.active_halts import Halts
from bot.engine.effect_check import EffectCheck
from bot.engine.fact_collector import Collector
from bot.engine.gather_evidence import Gatherer
from bot.engine.plan import Plan
from bot.engine.planner import Observations, Planner
from bot.engine.ports import Superseded
from bot.engine.rollout import PASSED, Rollout, intent
from bot.engine.run import Choice, Decision, Run, RunState
from bot.engine.undo import Undo
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.errors import FirstmateError, NotAllowed, RunbookError, UnknownTarget
from bot.guards import judge
from bot.guards.facts import Halt, Stage
from bot.runbook.language.schema import Runbook
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue, DirectSteps
from tests import samples
from tests.engine.servers import Everybody, Fleet, Published, shard_of
from tests.samples import NOW

T = TypeVar("T")

SET = {"use": "mysql.set_variable", "with": {"name": "max_connections", "value": 120, "revert_after": "1h"}}
AGAIN = {"use": "mysql.set_variable", "with": {"name": "max_connections", "value": 130, "revert_after": "1h"}}


def runbook(name: str = "mysql/x", causes: Any = (), **remedies: Any) -> Runbook:
    return Runbook.model_validate(
        {
            "runbook": name,
            "title": "x",
            "owner": "me",
            "gather": {"limits": {"use": "mysql.global_variables", "with": {"names": ["max_connections"]}}},
            "causes": list(causes),
            "remedies": remedies,
        }
    )


@dataclass
class Scene:
    """A fleet, the planner over it, and a store with one run."""

    fleet: Fleet
    store: RunStore
    queue: DirectQueue
    runbooks: dict[str, Runbook] = field(default_factory=dict)
    publisher: Published = field(default_factory=Published)

    @property
    def planner(self) -> Planner:
        return Planner(self.fleet, Gatherer(self.fleet), self._find)

    def _find(self, name: str) -> Runbook:
        if name not in self.runbooks:
            raise RunbookError(f"There is no runbook {name!r}.")
        return self.runbooks[name]

    def plan(self, book: Runbook, remedy: str = "fix", target: str = "orders-2") -> Plan:
        seen = Observations(book, self.fleet.find(target), {}, {}, {})
        return self.planner.plan(seen, remedy)[0]

    @property
    def rollout(self) -> Rollout:
        halts = Halts(self.store)
        collector = Collector(self.fleet, self.store, Everybody(), halts, VtorcRepairs(self.fleet))
        undo = Undo(self.fleet, self.store, self.publisher, halts, now=lambda: NOW)
        effects = EffectCheck(self.fleet, self.store, self.publisher, Gatherer(self.fleet), lambda: NOW)
        return Rollout(
            self.fleet,
            self.store,
            self.publisher,
            collector,
            self.planner,
            undo,
            effects,
            verifier_pause=0.0,
            now=lambda: NOW,
        )

    def approve(self, plan: Plan) -> None:
        self.store.wait(samples.run(plan=plan), expires_in=300)
        self.store.decide("r-1", Decision("U0BOB", Choice.APPROVE, plan.digest, NOW))

    def roll(self, plan: Plan) -> Run:
        """Approves the plan and makes it; returns the run as it ended."""
        self.approve(plan)
        return self.change()

    def change(self) -> Run:
        self.rollout.change(DirectSteps(), "r-1")
        found = self.store.run("r-1")
        assert found is not None
        return found


@pytest.fixture
def scene(database: Database) -> Scene:
    queue = DirectQueue()
    store = RunStore(database, queue, clock=lambda: NOW.timestamp())
    store.open_run(samples.run(), key="k", actor="firstmate")
    return Scene(Fleet((shard_of("orders", 5), shard_of("billing", 1))), store, queue)


# -- planning -----------------------------------------------------------------------------------------------------


def test_a_plan_names_every_server_statement_and_batch_and_changes_nothing(scene: Scene):
    plan = scene.plan(runbook(fix={**SET, "on": "replicas"}))
    assert plan.targets == ("orders-2", "orders-3", "orders-4", "orders-5", "orders-6")
    assert plan.batches == ((0,), (1, 2), (3, 4))
    assert plan.statements == ("SET GLOBAL `max_connections` = 120",) * 5
    assert plan.undo == ("SET GLOBAL `max_connections` = 100",) * 5
    assert plan.blast_radius == "5 of 5 replicas of orders"
    assert scene.fleet.log == []


@pytest.mark.parametrize(
    ("sizes", "planned"),
    [([1], ((0,), (1,), (2,), (3,), (4,))), ([5], ((0, 1, 2, 3, 4),)), ([2, 1], ((0, 1), (2,), (3,), (4,)))],
)
def test_the_last_size_of_the_batches_repeats(scene: Scene, sizes: Any, planned: Any):
    assert scene.plan(runbook(fix={**SET, "on": "replicas", "batches": sizes})).batches == planned


def test_all_steps_are_made_on_a_batch_before_the_next_batch(scene: Scene):
    plan = scene.plan(runbook(fix={"steps": [SET, AGAIN], "on": "replicas", "batches": [2, 3]}))
    order = [(change.wave, change.target, change.parameters["value"]) for change in plan.changes]
    assert order[:6] == [
        (0, "orders-2", 120),
        (0, "orders-3", 120),
        (1, "orders-2", 130),
        (1, "orders-3", 130),
        (2, "orders-4", 120),
        (2, "orders-5", 120),
    ]


@pytest.mark.parametrize(
    ("on", "targets"),
    [
        ("target", ("orders-2",)),
        ("primary", ("orders-1",)),
        ("shard", ("orders-2", "orders-3", "orders-4", "orders-5", "orders-6", "orders-1")),
        ({"name": "orders-[35]"}, ("orders-3", "orders-5")),
        ({"role": "primary"}, ("orders-1",)),
    ],
)
def test_where_a_remedy_works(scene: Scene, on: Any, targets: Any):
    assert scene.plan(runbook(fix={**SET, "on": on})).targets == targets


@pytest.mark.parametrize(
    ("on", "error", "says"),
    [
        ({"shard": "billing"}, NotAllowed, "stays within one shard, and billing-1, billing-2 is not in orders"),
        ({"name": "nobody"}, UnknownTarget, "No instance in the inventory matches name nobody"),
        ({"limit": 3}, UnknownTarget, "6 instances match the shard, and the step allows 3"),
    ],
)
def test_a_remedy_that_would_work_elsewhere_is_not_planned(scene: Scene, on: Any, error: type[Exception], says: str):
    with pytest.raises(error, match=says):
        scene.plan(runbook(fix={**SET, "on": on}))


def test_the_blast_radius_tells_the_primary_first(scene: Scene):
    radius = scene.plan(runbook(fix={**SET, "on": "shard"})).blast_radius
    assert radius == "the primary of orders: all its writes and 5 of 5 replicas of orders"


LOW = {"id": "low", "when": "true", "says": "It is low.", "remedy": "raise"}


def test_a_step_can_refer_to_another_runbook_which_gathers_its_own_evidence(scene: Scene):
    scene.runbooks["mysql/other"] = runbook("mysql/other", [LOW], **{"raise": {**AGAIN, "on": "replicas"}})
    plan = scene.plan(runbook(fix={"steps": [SET, {"runbook": "mysql/other"}]}))
    assert [(each.target, each.parameters["value"]) for each in plan.changes][:2] == [
        ("orders-2", 120),
        ("orders-2", 130),
    ]
    assert len(plan.changes) == 6


@pytest.mark.parametrize(
    ("step", "when", "says"),
    [
        ({"runbook": "mysql/other"}, "false", "finds no cause on orders-2."),
        ({"runbook": "mysql/other", "remedy": "raise"}, "false", "finds no cause on orders-2 that offers 'raise'"),
        ({"runbook": "mysql/nobody"}, "true", "no runbook 'mysql/nobody'"),
        ({"runbook": "mysql/other", "with": {"x": 1}}, "true", "has no input 'x'"),
    ],
)
def test_a_reference_that_cannot_be_resolved_is_an_error(scene: Scene, step: Any, when: str, says: str):
    scene.runbooks["mysql/other"] = runbook("mysql/other", [{**LOW, "when": when}], **{"raise": AGAIN})
    with pytest.raises(FirstmateError, match=says):
        scene.plan(runbook(fix=step))


def test_runbooks_that_refer_to_each_other_are_an_error(scene: Scene):
    scene.runbooks["mysql/other"] = runbook("mysql/other", [LOW], **{"raise": {"runbook": "mysql/other"}})
    with pytest.raises(NotAllowed, match="more than 3 levels deep"):
        scene.plan(runbook(fix={"runbook": "mysql/other"}))


# -- rolling out --------------------------------------------------------------------------------------------------


def rolling(scene: Scene, **more: Any) -> Plan:
    return scene.plan(runbook(fix={**SET, "on": "replicas", "batches": [1, 2], **more}))


def test_a_rollout_changes_all_targets_in_order(scene: Scene):
    ended = scene.roll(rolling(scene))
    assert [name for name, _ in scene.fleet.log] == [f"orders-{n}" for n in range(2, 7)]
    assert ended.state is RunState.MENDED
    assert ended.says.startswith("All 5 changes were made and verified on orders-2, orders-3")
    assert [each.state for each in ended.outcomes] == ["mended"] * 5
    assert scene.store.holder("orders", besides="nobody") is None


def test_a_batch_that_does_not_verify_stops_the_rest(scene: Scene):
    scene.fleet.servers["orders-3"].stuck = True
    ended = scene.roll(rolling(scene))
    assert [name for name, _ in scene.fleet.log] == ["orders-2", "orders-3", "orders-4"]
    assert ended.state is RunState.FAILED
    assert ended.says.startswith("orders-3 (failed): max_connections of orders-3:3306 is 100.")
    assert "Made and verified: orders-2, orders-4." in ended.says
    assert "Not started: orders-5, orders-6." in ended.says
    assert scene.store.holder("orders", besides="nobody") is None


def test_where_it_says_so_everything_is_undone_after_a_failure_the_last_first(scene: Scene):
    scene.fleet.servers["orders-4"].stuck = True
    ended = scene.roll(rolling(scene, on_failure="undo"))
    undone = [name for name, text in scene.fleet.log if text.endswith("= 100")]
    assert undone == ["orders-3", "orders-2"]
    assert ended.state is RunState.FAILED
    assert "Undone: orders-3, orders-2." in ended.says or "Undone: orders-2, orders-3." in ended.says
    assert scene.fleet.servers["orders-2"].value == 100


def test_where_it_says_so_it_goes_on_after_a_failure_and_tells_all(scene: Scene):
    scene.fleet.servers["orders-2"].stuck = scene.fleet.servers["orders-5"].stuck = True
    ended = scene.roll(rolling(scene, on_failure="continue"))
    assert len(scene.fleet.log) == 5
    assert ended.state is RunState.FAILED
    assert "orders-2 (failed)" in ended.says
    assert "orders-5 (failed)" in ended.says


def test_a_halt_between_two_batches_stops_the_rest(scene: Scene):
    plan = rolling(scene)
    scene.approve(plan)
    scene.fleet.servers["orders-2"].execute = halting(scene, scene.fleet.servers["orders-2"].execute)  # type: ignore[method-assign]
    ended = scene.change()
    assert [name for name, _ in scene.fleet.log] == ["orders-2"]
    assert ended.state is RunState.FAILED
    assert "All changes have been halted by" in ended.says
    assert "Made and verified: orders-2." in ended.says


def halting(scene: Scene, real: Any) -> Any:
    def execute(statement: Any, *, tag: str) -> None:
        real(statement, tag=tag)
        scene.store.set_halt(Halt("U1", "enough", NOW), actor="U1")

    return execute


@pytest.mark.parametrize("name", ["orders-2", "orders-6"])
def test_a_server_that_was_replaced_since_the_approval_stops_everything_before_it_begins(scene: Scene, name: str):
    plan = rolling(scene)
    scene.fleet.servers[name].uuid = "another"
    ended = scene.roll(plan)
    assert scene.fleet.log == []
    assert ended.state is RunState.REFUSED
    assert f"A different server now answers at {name}" in ended.says


def test_a_server_that_changed_its_role_is_refused(scene: Scene):
    plan = rolling(scene)
    scene.fleet.servers["orders-1"].role = Role.REPLICA
    scene.fleet.servers["orders-4"].role = Role.PRIMARY
    assert "The inventory names orders-1 as the primary of orders, the servers name orders-4" in scene.roll(plan).says
    assert scene.fleet.log == []


def test_a_second_step_is_checked_when_its_turn_comes_on_what_the_first_left(scene: Scene):
    ended = scene.roll(scene.plan(runbook(fix={"steps": [SET, AGAIN]})))
    assert ended.state is RunState.MENDED
    assert scene.fleet.servers["orders-2"].value == 130


def test_a_second_step_that_its_check_refuses_is_not_made(scene: Scene):
    ended = scene.roll(scene.plan(runbook(fix={"steps": [SET, SET]})))
    assert len(scene.fleet.log) == 1
    assert ended.state is RunState.FAILED
    assert "max_connections of orders-2:3306 is already 120" in ended.says


def test_a_change_that_was_begun_before_a_crash_is_not_repeated_and_nothing_follows(scene: Scene):
    plan = rolling(scene, on_failure="continue")
    scene.approve(plan)
    scene.store.intend("r-1", intent(1), plan.digest)
    samples.begun(scene.store, "r-1", intent(1))
    ended = scene.change()
    assert [name for name, _ in scene.fleet.log] == ["orders-2", "orders-4"]
    assert ended.state is RunState.UNKNOWN
    assert "did not repeat the change" in ended.says
    assert "Check orders-3" in ended.says


def test_each_timed_change_is_undone_at_its_own_time(scene: Scene):
    ended = scene.roll(rolling(scene))
    reverts = [segment for _, segment in scene.queue.later if segment.startswith("revert-")]
    assert reverts == [f"revert-{n}" for n in range(5)]
    assert ended.revert_at is not None
    undo = scene.rollout.undo
    for number in range(5):
        undo.undo(DirectSteps(), "r-1", "Firstmate as scheduled", only=number)
        found = scene.store.run("r-1")
        assert found is not None
        assert found.state is (RunState.UNDONE if number == 4 else RunState.MENDED)
    assert {server.value for name, server in scene.fleet.servers.items() if name.startswith("orders")} == {100}


@dataclass
class OnlyTheEnd:
    """The steps of a second execution: the first one died in the step `end`, after it had stored the outcome."""

    token: int

    def step(self, name: str, run: Callable[[], Any]) -> Any:
        recorded = {"guards": PASSED, "turns": (99, 0), "token": self.token}
        return recorded[name] if name in recorded else run()


def test_a_second_execution_of_the_end_does_not_release_the_lease_of_the_timed_revert(scene: Scene):
    scene.roll(rolling(scene))
    first = scene.store.lease("orders", "r-1", seconds=60)
    token = scene.store.lease("orders", "r-1", seconds=60)
    assert first is not None
    assert token is not None
    scene.rollout.change(OnlyTheEnd(first), "r-1")
    assert scene.store.renew("orders", "r-1", token, seconds=60)


def test_a_second_execution_of_the_end_releases_the_lease_of_the_first(scene: Scene):
    scene.roll(rolling(scene))
    first = scene.store.lease("orders", "r-1", seconds=60)
    assert first is not None
    scene.rollout.change(OnlyTheEnd(first), "r-1")
    assert scene.store.holder("orders", besides="nobody") is None


def test_a_person_undoes_all_of_it_the_last_first(scene: Scene):
    scene.roll(rolling(scene))
    scene.rollout.undo.undo(DirectSteps(), "r-1", "a person")
    assert [name for name, text in scene.fleet.log if text.endswith("= 100")] == [
        f"orders-{n}" for n in range(6, 1, -1)
    ]
    found = scene.store.run("r-1")
    assert found is not None
    assert found.state is RunState.UNDONE


# -- several remedies, and none that needs a person -----------------------------------------------------------------


def test_the_remedy_that_a_person_chose_is_the_one_that_is_made(scene: Scene):
    first, second = scene.plan(runbook(fix=SET)), scene.plan(runbook(fix=AGAIN))
    scene.store.wait(samples.run(plan=first, alternatives=(second,)), expires_in=300)
    scene.store.decide("r-1", Decision("U0BOB", Choice.APPROVE, second.digest, NOW))
    assert scene.change().state is RunState.MENDED
    assert scene.fleet.log == [("orders-2", "SET GLOBAL `max_connections` = 130")]


def test_approvals_of_different_remedies_do_not_add_up(scene: Scene):
    first, second = scene.plan(runbook(fix=SET)), scene.plan(runbook(fix=AGAIN))
    scene.store.wait(samples.run(plan=first, alternatives=(second,), approvals_needed=2), expires_in=300)
    scene.store.decide("r-1", Decision("U0BOB", Choice.APPROVE, first.digest, NOW))
    still = scene.store.decide("r-1", Decision("U0CAROL", Choice.APPROVE, second.digest, NOW))
    assert still.state is RunState.WAITING
    assert scene.store.decide("r-1", Decision("U0DAN", Choice.APPROVE, second.digest, NOW)).plan == second


@pytest.mark.parametrize(
    ("said", "ceiling", "risk", "answer"),
    [
        ("auto", "auto", "reversible", "pass"),
        ("auto", "suggest", "reversible", "ask"),
        ("auto", "auto", "disruptive", "ask"),
        ("suggest", "auto", "reversible", "ask"),
        ("observe", "auto", "reversible", "refuse"),
        ("auto", "observe", "reversible", "refuse"),
    ],
)
def test_how_far_a_runbook_may_go(scene: Scene, said: Any, ceiling: Any, risk: str, answer: str):
    plan = scene.plan(runbook(fix=SET))
    plan = replace(plan, changes=tuple(replace(each, risk=risk) for each in plan.changes))
    _, made = scene.planner.again(plan, (0,))
    collector = Collector(scene.fleet, scene.store, Everybody(), Halts(scene.store), VtorcRepairs(scene.fleet), ceiling)
    facts = collector.collect(samples.run(autonomy=said), plan, made, stage=Stage.BEFORE_ASKING, now=NOW)
    verdicts = judge(facts)
    worst = max((verdict.answer for verdict in verdicts), key=["pass", "ask", "refuse"].index)
    assert worst.value == answer


def test_the_steps_of_one_server_are_undone_one_by_one_each_to_what_it_replaced(scene: Scene):
    scene.roll(scene.plan(runbook(fix={"steps": [SET, AGAIN]})))
    scene.rollout.undo.undo(DirectSteps(), "r-1", "a person")
    values = [text.rsplit(" ", 1)[1] for _, text in scene.fleet.log]
    assert values == ["120", "130", "120", "100"]


def test_a_superseded_execution_stops_at_once(scene: Scene):
    plan = rolling(scene)
    scene.approve(plan)

    class Overtaking(DirectSteps):
        """After the first batch another replica of the bot goes on with the run."""

        def step(self, name: str, do: Callable[[], T]) -> T:
            if name == "guards-1":
                scene.store.lease("orders", "r-1", seconds=60)
            return do()

    with pytest.raises(Superseded):
        scene.rollout.change(Overtaking(), "r-1")
    assert [name for name, _ in scene.fleet.log] == ["orders-2"]
    found = scene.store.run("r-1")
    assert found is not None
    assert found.state is RunState.CHANGING


def test_the_verification_waits_for_statements_that_may_still_arrive(scene: Scene):
    plan = rolling(scene)
    scene.approve(plan)
    scene.store.intend("r-1", intent(0), plan.digest)
    samples.begun(scene.store, "r-1", intent(0))
    waited: list[float] = []
    replace(scene.rollout, in_flight=12.0, wait=waited.append).change(DirectSteps(), "r-1")
    assert waited == [12.0]
