"""What the policy allows is counted from what was really begun, by all runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from actions.contract import Row
from actions.remediations.mysql.start_replica import StartReplica
from bot.engine.active_halts import Halts
from bot.engine.fact_collector import Collector
from bot.engine.plan import Plan
from bot.engine.policy_facts import ACKERS, FLOOR, Limits, ackers
from bot.engine.ports import StartResult
from bot.engine.vtorc_repairs import VtorcRepairs
from bot.guards import blast_radius as blast
from bot.guards import budget, cooldown, freeze
from bot.guards.facts import Answer, Facts, Stage
from bot.policy import Policy
from bot.store.database import Database
from bot.store.run_store import RunStore
from bot.store.segment_queue import DirectQueue
from tests.engine.servers import Everybody, Fleet, Server, shard_of
from tests.samples import NOW, begun, change, plan, run

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
        assert begun(self.store, by, what, shard=shard, action=action) is StartResult.BEGUN
        self.store.release(shard, by)
        self.minutes_ago = 0

    def facts(self, policy: object, asked: Plan | None = None) -> Facts:
        fleet = Fleet((shard_of("orders", 5), shard_of("billing", 1)))
        rules = Policy.model_validate(policy)
        collector = Collector(fleet, self.store, Everybody(), Halts(self.store), VtorcRepairs(fleet), policy=rules)
        return collector.collect(run(), asked or plan(), [], stage=Stage.BEFORE_ASKING, now=NOW)


@pytest.fixture
def scene(database: Database) -> Scene:
    found = Scene(RunStore(database, DirectQueue(), clock=lambda: at(-found.minutes_ago).timestamp()))
    found.store.open_run(run(), key="k", actor="firstmate")
    return found


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


def test_what_comes_back_again_and_again_is_looked_at_by_a_person(scene: Scene):
    for number in range(4):
        scene.began(60 * number + 30, by=f"r-{number + 2}")
    policy = {"flapping": {"times": 4, "within": "6h"}, "cooldown": "1m"}
    found = scene.facts(policy)
    assert found.flapping is not None
    assert (found.flapping.action, found.flapping.times) == (ACTION, 4)
    assert cooldown.judge(found).answer is Answer.REFUSE
    assert scene.facts({**policy, "flapping": {"times": 4, "within": "3h"}}).flapping is None
    assert scene.facts({**policy, "flapping": {"times": 0}}).flapping is None
    scene.store.acknowledge("orders", actor="U1")
    assert scene.facts(policy).flapping is None


def test_many_changes_of_one_run_are_one_return_of_the_trouble(scene: Scene):
    for minutes in (30, 40, 50, 60, 70):
        scene.began(minutes, by="r-2")
    assert scene.facts({}).flapping is None


@dataclass
class Replica(Server):
    """A server that answers what the serving floor asks."""

    running: bool = True
    semi_sync: dict[str, str] = field(default_factory=dict)

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        if "STATUS" in sql:
            says = "Yes" if self.running else "No"
            return [{"Channel_Name": "", "Replica_IO_Running": says, "Replica_SQL_Running": says}]
        return [{"Variable_name": name, "Value": value} for name, value in self.semi_sync.items()]


@pytest.fixture
def five(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A shard of five replicas, on which starting one would take it out of service."""
    monkeypatch.setattr(StartReplica, "takes_out", True)
    fleet = Fleet((shard_of("orders", 5),))
    for name, server in fleet.servers.items():
        fleet.servers[name] = Replica(server.address, uuid=server.uuid, role=server.role)
    return fleet


def floor(fleet: Fleet, scene: Scene, least: int, targets: Sequence[str]) -> tuple[int, int, int, str] | None:
    asked = plan(changes=tuple(change(target=name) for name in targets))
    found = Limits(fleet, scene.store, Policy(serving_floor=least)).floor(asked)
    return (found.serving, found.taken_out, found.least, found.why) if found else None


def stop(fleet: Fleet, name: str) -> None:
    server = fleet.servers[name]
    assert isinstance(server, Replica)
    server.running = False


def test_replicas_that_stopped_or_do_not_answer_do_not_serve(scene: Scene, five: Fleet):
    assert floor(five, scene, 3, ["orders-2", "orders-3"]) == (5, 2, 3, FLOOR)
    stop(five, "orders-4")
    five.servers["orders-5"].down = True
    assert floor(five, scene, 3, ["orders-2", "orders-3"]) == (3, 2, 3, FLOOR)
    stop(five, "orders-3")
    assert floor(five, scene, 3, ["orders-2", "orders-3"]) == (2, 1, 3, FLOOR)


def test_a_change_of_the_primary_takes_out_no_replica(scene: Scene, five: Fleet):
    assert floor(five, scene, 1, ["orders-1"]) is None


def test_the_primary_keeps_the_replicas_that_it_waits_for(scene: Scene, five: Fleet):
    primary = five.servers["orders-1"]
    assert isinstance(primary, Replica)
    primary.semi_sync = {
        "rpl_semi_sync_source_enabled": "ON",
        "rpl_semi_sync_source_wait_for_replica_count": "4",
    }
    assert floor(five, scene, 1, ["orders-2"]) == (5, 1, 4, ACKERS)
    primary.down = True
    assert floor(five, scene, 1, ["orders-2"]) == (
        5,
        1,
        5,
        "the primary did not report how many semi-synchronous replicas it waits for",
    )


@pytest.mark.parametrize(
    ("variables", "waits"),
    [
        ({}, 0),
        ({"rpl_semi_sync_source_enabled": "OFF", "rpl_semi_sync_source_wait_for_replica_count": "2"}, 0),
        ({"rpl_semi_sync_source_enabled": "ON", "rpl_semi_sync_source_wait_for_replica_count": "2"}, 2),
        ({"rpl_semi_sync_master_enabled": "ON", "rpl_semi_sync_master_wait_for_slave_count": "3"}, 3),
        ({"rpl_semi_sync_master_enabled": "ON", "rpl_semi_sync_master_timeout": "10000"}, 1),
    ],
    ids=["no plugin", "off", "MySQL 8.0.26 and later", "MySQL before", "MariaDB"],
)
def test_how_many_replicas_a_primary_waits_for(variables: dict[str, str], waits: int):
    assert ackers(Replica(semi_sync=variables)) == waits
