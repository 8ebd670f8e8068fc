"""What the policy allows is counted from what was really begun, by all runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.engine.facts import Collector
from bot.engine.halts import Halts
from bot.engine.state import Plan
from bot.guards import blast, budget, cooldown, freeze
from bot.guards.facts import Answer, Facts, Stage
from bot.policy import Policy
from bot.store.database import Database
from bot.store.durable import DirectQueue
from bot.store.runs import RunStore
from tests.engine.servers import Everybody, Fleet, shard_of
from tests.samples import NOW, change, plan, run

ACTION = "mysql.start_replica"
EVERYTHING = {"freezes": [{"name": "now", "reason": "a drill", "from": "2026-03-01", "to": "2026-03-02"}]}


@dataclass
class Scene:
    """A store whose clock stands at NOW, or a few minutes before."""

    store: RunStore
    minutes_ago: float = 0

    def began(self, minutes_ago: float, *, by: str = "r-9", shard: str = "orders", action: str = ACTION) -> None:
        """Another run began a change."""
        self.minutes_ago = minutes_ago
        what = f"c-{minutes_ago}"
        self.store.intend(by, what, "d")
        assert self.store.begin(by, what, shard=shard, action=action)
        self.minutes_ago = 0

    def facts(self, policy: object, asked: Plan | None = None) -> Facts:
        fleet = Fleet((shard_of("orders", 5), shard_of("billing", 1)))
        collector = Collector(fleet, self.store, Everybody(), Halts(self.store), policy=Policy.model_validate(policy))
        return collector.collect(run(), asked or plan(), [], stage=Stage.BEFORE_ASKING, now=NOW)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    database = Database(tmp_path / "data")
    found = Scene(RunStore(database, DirectQueue(), clock=lambda: at(-found.minutes_ago).timestamp()))
    found.store.open_run(run(), key="k", actor="firstmate")
    yield found
    database.close()


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_the_same_action_of_another_run_in_the_shard_cools_down(scene: Scene):
    scene.began(10)
    found = scene.facts({"cooldown": "15m"})
    assert found.earlier is not None
    assert (found.earlier.run, found.earlier.until) == ("r-9", at(5))
    assert cooldown.judge(found).answer is Answer.REFUSE


@pytest.mark.parametrize(
    "other", [{"shard": "billing"}, {"action": "mysql.kill_query"}, {"by": "r-1"}], ids=["shard", "action", "own"]
)
def test_elsewhere_another_action_or_the_run_itself_does_not(scene: Scene, other: dict[str, str]):
    scene.began(10, **other)
    assert scene.facts({"cooldown": "15m"}).earlier is None


def test_a_cooldown_ends_by_itself_and_by_who_looked(scene: Scene):
    scene.began(20)
    assert scene.facts({"cooldown": "15m"}).earlier is None
    scene.began(10)
    scene.store.acknowledge("orders", actor="U1")
    assert scene.facts({"cooldown": "15m"}).earlier is None
    scene.store.acknowledge("billing", actor="U1")
    assert scene.facts({"cooldown": "15m"}).earlier is None


def test_who_looked_does_not_excuse_what_came_after(scene: Scene):
    scene.minutes_ago = 12
    scene.store.acknowledge("orders", actor="U1")
    scene.began(10)
    assert scene.facts({"cooldown": "15m"}).earlier is not None


def test_budgets_count_an_hour_of_all_runs_and_the_plan_itself(scene: Scene):
    scene.began(61)
    scene.began(59)
    scene.began(5, shard="billing")
    scene.began(4, action="mysql.kill_query")
    scene.began(3, by="r-1")
    spent = {each.what: (each.spent, each.planned) for each in scene.facts({}).budgets}
    assert spent == {ACTION: (2, 1), "shard orders": (2, 1), "the fleet": (3, 1)}
    assert budget.judge(scene.facts({"budgets": {"fleet": 4}})).answer is Answer.PASS
    assert budget.judge(scene.facts({"budgets": {"fleet": 3}})).answer is Answer.REFUSE


@pytest.mark.parametrize(("risk", "answer"), [("reversible", Answer.PASS), ("disruptive", Answer.REFUSE)])
def test_the_blast_radius_is_of_the_plans_risk(scene: Scene, risk: str, answer: Answer):
    changes = tuple(change(target=f"orders-{number}", risk=risk) for number in (1, 2, 3, 4))
    found = scene.facts({}, plan(changes=changes))
    assert found.radius is not None
    assert (found.radius.replicas, found.radius.changed) == (5, 3)
    assert blast.judge(found).answer is answer


def test_a_target_that_nobody_knows_has_no_blast_radius(scene: Scene):
    fleet_less = scene.facts({}, plan(changes=()))
    assert blast.judge(fleet_less).answer is Answer.REFUSE


def test_a_freeze_of_the_policy_holds(scene: Scene):
    verdict = freeze.judge(scene.facts(EVERYTHING))
    assert (verdict.answer, "a drill" in verdict.says) == (Answer.REFUSE, True)


@pytest.mark.parametrize(("risk", "needed"), [("reversible", 1), ("disruptive", 1), ("destructive", 2)])
def test_a_destructive_plan_takes_two_people(scene: Scene, risk: str, needed: int):
    assert scene.facts({}, plan(changes=(change(risk=risk),))).approvals_needed == needed
