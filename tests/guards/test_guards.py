"""Each guard by itself, and their order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import guards
from bot.config import Role
from bot.guards import (
    approval,
    assignment,
    autonomy,
    blast_radius,
    budget,
    caller,
    cooldown,
    digest,
    freeze,
    halt,
    precondition,
    serving_floor,
    shard_lease,
    target,
    topology_repair,
    write_access,
)
from bot.guards.facts import (
    Answer,
    Earlier,
    Facts,
    Flapping,
    Floor,
    Frozen,
    Halt,
    Override,
    Place,
    Radius,
    Repair,
    Spent,
    Stage,
)

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

REPLICA = Place(
    target="orders-3",
    inventory_role=Role.REPLICA,
    server_role=Role.REPLICA,
    server_says="it replicates from 127.0.0.1:3306",
    planned_server="uuid-3",
    server="uuid-3",
    check_says=None,
    may_change=True,
)

GOOD = Facts(
    stage=Stage.BEFORE_CHANGE,
    now=NOW,
    halt=None,
    caller="U0CAROL",
    caller_may_ask=True,
    caller_says="Carol is an operator.",
    places=(REPLICA,),
    autonomy="suggest",
    shard="orders",
    holder=None,
    holder_until=None,
    approvals_needed=1,
    approvers=("U0BOB",),
    discounted=(),
    denied_by=None,
    expires_at=NOW + timedelta(minutes=5),
    approved_digest="a" * 64,
    plan_digest="a" * 64,
    frozen=None,
    earlier=None,
    budgets=(Spent("mysql.start_replica", 2, 1, 10), Spent("the fleet", 29, 1, 30)),
    radius=Radius(replicas=2, changed=1, most=1),
    flapping=None,
    override=None,
    taken_by=None,
    floor=None,
)


def test_when_everything_is_in_order_every_guard_passes():
    assert [verdict.answer for verdict in guards.judge(GOOD)] == [Answer.PASS] * len(guards.ORDER)
    assert guards.refusal(guards.judge(GOOD)) is None


def test_the_order_of_the_guards_is_the_documented_one():
    names = [verdict.guard for verdict in guards.judge(GOOD)]
    first = ["halt", "freeze", "caller", "target", "write_access", "shard_lease", "assignment", "topology_repair"]
    assert names == [
        *first,
        "cooldown",
        "budget",
        "blast_radius",
        "serving_floor",
        "autonomy",
        "approval",
        "digest",
        "precondition",
    ]


REFUSALS = [
    pytest.param(
        topology_repair,
        {"repair": Repair("VTOrc", doing="DeadPrimary of zone1-0000000100, seen for 2 s")},
        "VTOrc is repairing orders: DeadPrimary",
        id="VTOrc at work",
    ),
    pytest.param(
        topology_repair,
        {"repair": Repair("VTOrc", repaired="VTOrc repaired it after 7 s: DeadPrimary of zone1-0000000100.")},
        "Nothing is left to approve",
        id="VTOrc was quicker",
    ),
    pytest.param(
        topology_repair,
        {"repair": Repair("VTOrc", unknown="it does not answer.")},
        "cannot tell whether VTOrc is repairing orders: it does not answer",
        id="VTOrc unknown",
    ),
    pytest.param(
        target,
        {"places": (replace(REPLICA, doubts="The topology was read 60 s ago for the last time."),)},
        "may not be what the inventory says",
        id="stale inventory",
    ),
    pytest.param(halt, {"halt": Halt("U0ALICE", "failover drill", NOW)}, "failover drill", id="halted"),
    pytest.param(caller, {"caller_may_ask": False, "caller_says": "Guests may not."}, "Guests", id="caller"),
    pytest.param(
        target, {"places": (replace(REPLICA, inventory_role=None),)}, "does not contain orders-3", id="unknown target"
    ),
    pytest.param(
        target,
        {"places": (replace(REPLICA, server_role=None, server_says="refused"),)},
        "refused",
        id="role unreadable",
    ),
    pytest.param(
        target, {"places": (replace(REPLICA, server_role=Role.PRIMARY),)}, "the server says primary", id="role differs"
    ),
    pytest.param(
        target,
        {"places": (replace(REPLICA, disagreement="The servers name orders-2."),)},
        "The servers name orders-2. Nothing is changed in the shard",
        id="the primary is in doubt",
    ),
    pytest.param(
        target,
        {"places": (REPLICA, replace(REPLICA, server="uuid-9"))},
        "A different server now answers",
        id="another server",
    ),
    pytest.param(
        write_access,
        {"places": (replace(REPLICA, may_change=False),)},
        "orders-3 is read-only for Firstmate",
        id="only read",
    ),
    pytest.param(shard_lease, {"holder": "r-2", "holder_until": NOW}, "r-2", id="shard held"),
    pytest.param(freeze, {"frozen": Frozen("sale", "the busiest weekend", NOW)}, "the busiest weekend", id="frozen"),
    pytest.param(
        cooldown,
        {"earlier": Earlier("r-9", "mysql.start_replica", NOW, NOW + timedelta(minutes=10))},
        "Its cooldown ends at 03:10:00 UTC",
        id="cooldown",
    ),
    pytest.param(
        cooldown,
        {"flapping": Flapping("mysql.start_replica", 5, 21600.0)},
        "ran 5 times in orders within 6 h, and the problem returned",
        id="flapping",
    ),
    pytest.param(assignment, {"taken_by": "U0ALICE"}, "<@U0ALICE> took this incident", id="taken over"),
    pytest.param(serving_floor, {"floor": Floor(2, 1, 2, "it is so")}, "2 must stay (it is so)", id="serving floor"),
    pytest.param(
        serving_floor, {"floor": Floor(0, 0, 0, "", "It takes the primary out.")}, "the primary", id="no replica"
    ),
    pytest.param(
        budget,
        {"budgets": (Spent("the fleet", 30, 1, 30),)},
        "the fleet: 30 made, 1 planned, 30 allowed",
        id="budget spent",
    ),
    pytest.param(
        blast_radius, {"radius": Radius(5, 3, 2)}, "3 of 5 replicas of orders; the policy allows 2", id="blast"
    ),
    pytest.param(blast_radius, {"radius": None}, "is unknown", id="unknown blast"),
    pytest.param(target, {"places": ()}, "names no server", id="no server"),
    pytest.param(autonomy, {"autonomy": "observe"}, "may only name causes", id="only observes"),
    pytest.param(approval, {"approvers": ()}, "0 of 1", id="not approved"),
    pytest.param(approval, {"approvals_needed": 2}, "1 of 2", id="one of two"),
    pytest.param(approval, {"approvals_needed": 2, "approvers": ("U0BOB", "U0BOB")}, "1 of 2", id="same person twice"),
    pytest.param(approval, {"denied_by": "U0ALICE"}, "<@U0ALICE> denied", id="denied"),
    pytest.param(approval, {"expires_at": NOW}, "expired", id="expired"),
    pytest.param(digest, {"approved_digest": "b" * 64}, "changed after it was approved", id="another plan"),
    pytest.param(digest, {"approved_digest": None}, "No plan was approved", id="no plan approved"),
    pytest.param(
        precondition,
        {"places": (REPLICA, replace(REPLICA, check_says="Error 1062 is not retryable."))},
        "1062",
        id="the action's own check",
    ),
]


@pytest.mark.parametrize(("guard", "facts", "reason"), REFUSALS)
def test_a_guard_refuses_and_says_why(guard, facts, reason):
    verdict = guard.judge(replace(GOOD, **facts))
    assert verdict.answer is Answer.REFUSE
    assert reason in verdict.says


@pytest.mark.parametrize(("guard", "facts", "reason"), REFUSALS)
def test_one_refusal_is_enough(guard, facts, reason):
    refused = guards.refusal(guards.judge(replace(GOOD, **facts)))
    assert refused is not None
    assert reason in refused.says


def test_every_guard_has_a_title_of_its_own_and_an_unknown_one_keeps_its_name():
    titles = [guards.title(verdict.guard) for verdict in guards.judge(GOOD)]
    assert list(guards.TITLES.values()) == titles
    assert len(set(titles)) == len(titles)
    assert guards.title("takeover") == "takeover"


def test_a_role_that_differs_is_corrected_where_it_comes_from():
    differs = replace(REPLICA, server_role=Role.PRIMARY)
    assert "correct `role` in firstmate.yml" in target.judge(replace(GOOD, places=(differs,))).says
    tablet = replace(differs, from_topology=True)
    assert "read the topology again" in target.judge(replace(GOOD, places=(tablet,))).says


def test_a_plan_that_needs_no_approval_says_so():
    alone = replace(GOOD, approvals_needed=0, approvers=())
    assert approval.judge(alone).says == "No approval is needed."


def test_a_missing_approval_names_how_many_people_must_still_approve():
    two = replace(GOOD, approvals_needed=2)
    assert "1 more approver besides the requester" in approval.judge(two).says
    assert "2 approvers besides the requester" in approval.judge(replace(two, approvers=())).says


def test_the_cooldown_and_the_count_of_recurring_changes_end_by_an_acknowledgement():
    soon = replace(GOOD, earlier=BROKEN["earlier"])
    assert "/mate ack orders ends the cooldown" in cooldown.judge(soon).says
    assert "/mate ack orders resets the count" in cooldown.judge(replace(soon, flapping=BROKEN["flapping"])).says


def test_before_asking_a_missing_approval_is_asked_for_and_not_refused():
    facts = replace(GOOD, stage=Stage.BEFORE_ASKING, approvers=(), approved_digest=None, expires_at=None)
    verdicts = guards.judge(facts)
    assert guards.refusal(verdicts) is None
    assert [v.guard for v in verdicts if v.answer is Answer.ASK] == ["approval"]


def test_approvals_that_do_not_count_are_named_with_their_reason():
    verdict = approval.judge(replace(GOOD, approvers=(), discounted=("<@U0CAROL> asked for this change.",)))
    assert "<@U0CAROL> asked for this change." in verdict.says


def test_who_took_the_incident_may_let_firstmate_go_on():
    taken = replace(GOOD, taken_by="U0BOB")
    assert assignment.judge(taken).says == "<@U0BOB> took this incident and approved the plan."
    alone = replace(GOOD, taken_by="U0BOB", approvers=(), stage=Stage.BEFORE_ASKING, autonomy="auto")
    assert assignment.judge(alone).answer is Answer.ASK


def test_as_many_replicas_as_must_stay_may_stay():
    assert serving_floor.judge(replace(GOOD, floor=Floor(2, 1, 1, "it is so"))).answer is Answer.PASS


BROKEN: dict[str, Any] = {
    "override": Override("U0ALICE", "the shop is down", NOW),
    "frozen": Frozen("sale", "the busiest weekend", NOW),
    "earlier": Earlier("r-9", "mysql.start_replica", NOW, NOW + timedelta(minutes=10)),
    "flapping": Flapping("mysql.start_replica", 5, 21600.0),
}


def test_who_breaks_the_glass_overrides_freeze_and_cooldown_with_their_reason():
    for guard in (freeze, cooldown):
        verdict = guard.judge(replace(GOOD, **BROKEN))
        assert verdict.answer is Answer.PASS
        assert verdict.says.startswith("<@U0ALICE> overrides it (the shop is down).")


@pytest.mark.parametrize(
    ("guard", "facts"),
    [pytest.param(*each.values[:2], id=str(each.id)) for each in REFUSALS if each.values[0] not in (freeze, cooldown)],
)
def test_broken_glass_overrides_no_other_guard(guard, facts):
    assert guard.judge(replace(GOOD, **{**BROKEN, **facts})).answer is Answer.REFUSE


def test_a_runbook_acts_by_itself_for_an_alert_and_never_for_a_person():
    alone = replace(GOOD, autonomy="auto", approvals_needed=0, approvers=())
    assert "act without approval" in autonomy.judge(replace(alone, caller="firstmate")).says
    assert "a person approves them" in autonomy.judge(alone).says
