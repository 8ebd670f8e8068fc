"""What counts as right, helpful, harmful and untrue, and when the goals are met."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.engine.plan import Change, Plan
from bot.engine.run import Cause, Run, RunState
from bot.lab.random_faults.judging import Judgement, Result, is_untrue, judge
from bot.lab.random_faults.minimiser import minimise
from bot.lab.random_faults.results import as_json, goals_met, totals
from bot.lab.random_faults.scenario import AlertPart, Part, Scenario
from bot.lab.random_faults.truth import Remedy, Truth

KILL = "mysql.kill_connection"
LOCK = Truth(
    "row_idle",
    "orders-1",
    frozenset({"locks", ""}),
    names=("ession 7 of",),
    causes=("mysql/first-look:sessions_blocked",),
    remedies=(Remedy(KILL, {"thread_id": frozenset({"7"})}),),
    neutral=(Remedy("mysql.set_variable", {"name": frozenset({"max_connections"})}),),
    offers=frozenset({"locks"}),
)
CHANNEL = Truth(
    "applier_stopped",
    "orders-2",
    frozenset({"replication"}),
    named=("mysql/replication-stopped:stopped_by_hand",),
    must_name="second",
)
ROOT = Cause("held_by_idle_session", "holds", "Session 7 of app@web blocks 3 sessions")
VICTIM = Cause("held_by_idle_session", "holds", "Session 8 of app@web blocks 3 sessions")


def a_run(*causes: Cause, runbook: str = "mysql/blocked-writes", plan: Plan | None = None) -> Run:
    return Run(
        "r1", "i1", "C1", RunState.WAITING, datetime(2026, 1, 1, tzinfo=UTC), None, "firstmate", runbook, "", "", "",
        "orders-1", "orders", causes=causes, plan=plan,
    )  # fmt: skip


def a_plan(action: str = KILL, on: str = "orders-1", **parameters: Any) -> Plan:
    change = Change(0, action, parameters, on, "127.0.0.1:1", "s", ("KILL 7",), (), "", "disruptive")
    return Plan("end_it", "End it", (change,), "1 server")


def test_a_cause_is_right_if_it_names_the_root_and_wrong_if_it_names_a_victim():
    right = judge(a_run(ROOT, plan=a_plan(thread_id=7)), [LOCK], "orders-1", "locks")
    assert (right.first_right, right.among_three, right.remedy_right, right.harm) == (True, True, True, "")
    assert right.mends == (LOCK,)
    wrong = judge(a_run(VICTIM, ROOT), [LOCK], "orders-1", "locks")
    assert (wrong.first_right, wrong.among_three) == (False, True)


def test_a_kill_of_another_session_is_harm_and_so_is_one_on_another_server():
    for plan in (a_plan(thread_id=8), a_plan(thread_id=7, on="orders-2"), a_plan("mysql.kill_query", thread_id=7)):
        judged = judge(a_run(ROOT, plan=plan), [LOCK], "orders-1", "locks")
        assert "mends nothing there" in judged.harm
        assert not judged.remedy_right


def test_a_higher_limit_of_connections_mends_nothing_and_harms_nobody():
    judged = judge(a_run(ROOT, plan=a_plan("mysql.set_variable", name="max_connections")), [LOCK], "orders-1", "locks")
    assert (judged.remedy_right, judged.harm) == (False, "")


def test_nothing_offered_is_right_only_where_nothing_mends_or_the_alert_is_about_something_else():
    assert not judge(a_run(ROOT), [LOCK], "orders-1", "locks").remedy_right
    assert judge(a_run(ROOT), [LOCK], "orders-1", "").remedy_right


def test_a_cause_that_says_only_that_sessions_wait_answers_an_alert_that_says_nothing():
    look = Cause("sessions_blocked", "holds", "Locks block 3 sessions")
    assert judge(a_run(look, runbook="mysql/first-look"), [LOCK], "orders-1", "").first_right
    assert not judge(a_run(look, runbook="mysql/first-look"), [LOCK], "orders-2", "").first_right


def test_a_cause_about_a_channel_must_name_it():
    for says, right in (("The applier is stopped, of channel second", True), ("The applier is stopped", False)):
        run = a_run(Cause("stopped_by_hand", "holds", says), runbook="mysql/replication-stopped")
        assert judge(run, [CHANNEL], "orders-2", "replication").first_right is right


def test_a_kill_of_many_statements_is_right_if_all_of_them_belong_to_the_fault():
    storm = Remedy("mysql.kill_statements", {"thread_ids": frozenset({"1", "2", "3"})})
    assert storm.matches("mysql.kill_statements", {"thread_ids": [1, 2]})
    assert not storm.matches("mysql.kill_statements", {"thread_ids": [1, 9]})


def test_a_run_that_ends_as_mended_while_the_victims_wait_is_untrue():
    mended = replace(a_run(ROOT), state=RunState.MENDED)
    assert is_untrue(mended, helped=False)
    assert not is_untrue(mended, helped=True)
    assert not is_untrue(replace(mended, state=RunState.NOT_HELPED), helped=False)


GOOD = Result(1, 0, "row_idle", "t", Judgement("a:b", "s", first_right=True, among_three=True), True, True, "mended")


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (replace(GOOD, failed="it could not be made"), "not played"),
        (replace(GOOD, judged=replace(GOOD.judged, harm="a bystander")), "harm"),
        (replace(GOOD, hurt="a bystander"), "harm"),
        (replace(GOOD, helped=False, untrue=True), "untrue"),
        (replace(GOOD, helped=False), "helped"),
    ],
    ids=["not played", "harm offered", "harm done", "untrue", "not helped"],
)
def test_one_bad_result_misses_the_goals(result: Result, kind: str):
    assert GOOD.wrong == {}
    assert goals_met([GOOD] * 10)
    assert kind in result.wrong
    assert not goals_met([*[GOOD] * 10, result])


def test_goals_allow_one_wrong_cause_in_twenty():
    wrong = replace(GOOD, judged=replace(GOOD.judged, first_right=False))
    assert goals_met([*[GOOD] * 19, wrong])
    assert not goals_met([*[GOOD] * 18, wrong])
    assert not goals_met([])


def test_the_json_has_the_seed_each_scenario_and_the_totals():
    found = json.loads(as_json(1, [GOOD, replace(GOOD, index=1, hurt="x")]))
    assert (found["seed"], found["goals"]) == (1, False)
    assert [each["wrong"] for each in found["scenarios"]] == [{}, {"harm": "harm: x"}]
    assert found["totals"]["harm"] == totals([replace(GOOD, hurt="x")]).harm == 1


def test_a_failing_scenario_is_made_as_small_as_it_still_fails():
    whole = Scenario(
        1,
        2,
        "mysql",
        (Part("row_idle", "orders-1", {"victims": 90, "bystanders": 3}), Part("applier_stopped", "orders-2")),
        AlertPart("MySQLBlockedWrites", "orders-1", "locks"),
        settings=(Part("time_zone", "orders-1"), Part("isolation", "orders-1")),
        decoys=(Part("sleepers", "orders-1"),),
    )

    def fails(scenario: Scenario) -> bool:
        return any(each.kind == "isolation" for each in scenario.settings)

    found = minimise(whole, fails)
    assert [each.kind for each in (*found.faults, *found.settings, *found.decoys)] == ["row_idle", "isolation"]
    assert found.faults[0].values == {"victims": 1, "bystanders": 0}
    assert minimise(whole, lambda _: False) == whole
    assert minimise(whole, lambda _: True, most=1).parts == whole.parts - 1
