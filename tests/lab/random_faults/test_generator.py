"""Random scenarios: the same seed gives the same ones, they fit together, and they cover every primitive."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bot.lab.random_faults.alerts import ALERTS
from bot.lab.random_faults.catalog import PRIMITIVES
from bot.lab.random_faults.generator import HOSTS, draw, fits
from bot.lab.random_faults.scenario import AlertPart, Part, Scenario, decode, encode, smaller
from bot.lab.random_faults.surroundings import BY_NAME

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.json"))
MANY = [draw(11, index, PRIMITIVES) for index in range(600)]


def test_the_same_seed_and_index_give_the_same_scenario():
    assert [draw(11, index, PRIMITIVES) for index in range(600)] == MANY
    assert draw(12, 0, PRIMITIVES) != MANY[0]


def test_every_primitive_setting_and_decoy_is_drawn_on_each_of_its_flavours():
    drawn = {(part.kind, each.flavour) for each in MANY for part in each.faults}
    assert drawn == {(each.name, flavour) for each in PRIMITIVES.values() for flavour in each.flavours}
    assert {part.kind for each in MANY for part in (*each.settings, *each.decoys)} == {*BY_NAME}


def test_one_to_three_faults_are_in_place_at_the_same_time_and_decoys_in_a_third():
    numbers = Counter(len(each.faults) for each in MANY)
    assert {*numbers} == {1, 2, 3}
    assert 0.2 < sum(bool(each.decoys) for each in MANY) / len(MANY) < 0.4


def test_victims_are_few_or_very_many():
    victims = [part.number("victims") for each in MANY for part in each.faults if part.number("victims")]
    assert min(victims) == 1
    assert 60 < max(victims) <= 200


@pytest.mark.parametrize("scenario", MANY[:200], ids=lambda each: str(each.index))
def test_the_faults_of_a_scenario_fit_together_and_the_alert_is_about_the_first(scenario: Scenario):
    assert fits(scenario.faults, PRIMITIVES)
    first = scenario.faults[0]
    assert scenario.alert.on == first.on
    assert scenario.alert.symptom in PRIMITIVES[first.kind].symptoms
    assert scenario.alert.name in ALERTS[scenario.alert.symptom]
    hosts = {host for role in HOSTS[scenario.flavour].values() for host in role}
    assert {part.on for part in (*scenario.faults, *scenario.settings, *scenario.decoys)} <= hosts
    assert decode(encode(scenario)) == scenario


@pytest.mark.parametrize("name", PRIMITIVES)
def test_a_scenario_about_one_primitive_can_be_asked_for(name: str):
    assert {draw(3, index, PRIMITIVES, name).faults[0].kind for index in range(5)} == {name}


def test_a_global_read_lock_leaves_no_room_for_faults_that_need_writes():
    lock = Part("global_read_lock", "orders-1")
    assert not fits([lock, Part("row_idle", "orders-1")], PRIMITIVES)
    assert not fits([lock, Part("applier_1062", "orders-2")], PRIMITIVES)
    assert not fits([Part("applier_1062", "orders-2"), Part("applier_stopped", "orders-2")], PRIMITIVES)
    assert not fits([Part("primary_moved", "orders-2"), Part("row_idle", "orders-1")], PRIMITIVES)
    assert fits([Part("applier_1062", "orders-2"), Part("applier_stopped", "orders-3")], PRIMITIVES)
    writable = Part("writable_replica", "orders-2")
    assert not fits([writable, Part("applier_stopped", "orders-3", {"second": True})], PRIMITIVES)


def test_smaller_scenarios_keep_the_fault_that_the_alert_is_about():
    scenario = Scenario(
        1,
        2,
        "mysql",
        (Part("row_idle", "orders-1", {"victims": 9, "bystanders": 2}), Part("applier_stopped", "orders-2")),
        AlertPart("MySQLBlockedWrites", "orders-1", "locks"),
        settings=(Part("time_zone", "orders-1"),),
        decoys=(Part("sleepers", "orders-1"),),
    )
    found = smaller(scenario)
    assert [(len(each.decoys), len(each.settings), len(each.faults)) for each in found] == [
        (0, 1, 2),
        (1, 0, 2),
        (1, 1, 1),
        (1, 1, 2),
        (1, 1, 2),
    ]
    assert all(each.faults[0].kind == "row_idle" for each in found)
    assert [each.faults[0].number("victims") for each in found[3:]] == [1, 9]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_fixed_scenarios_name_what_there_is(path: Path):
    scenario = decode(path.read_text(encoding="utf-8"))
    assert encode(scenario) == path.read_text(encoding="utf-8")
    assert {each.kind for each in scenario.faults} <= {*PRIMITIVES}
    assert {each.kind for each in (*scenario.settings, *scenario.decoys)} <= {*BY_NAME}
    assert scenario.alert.symptom in PRIMITIVES[scenario.faults[0].kind].symptoms
