"""Roles of users by Slack's answers; a user who cannot be looked up is denied."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient

from bot.config import People, RoleRestriction, Roles
from bot.lab.slack_workspace import WorkspaceClient
from bot.slack.user_directory import CACHED, SlackDirectory
from tests.slack.conftest import Clock

ROLES = Roles(
    operator=People(users=("U0CAROL", "U0GUEST", "U0STRANGER", "U0FIRSTMATE", "U0NOBODY")),
    approver=People(usergroups=("S0DBAONCALL",)),
    admin=People(users=("U0ALICE",)),
)


@pytest.fixture
def directory(web: WebClient, clock: Clock) -> SlackDirectory:
    return SlackDirectory(web, ROLES, "T0LOCAL", clock=clock)


@pytest.mark.parametrize(
    ("user", "role", "reason"),
    [
        ("U0CAROL", "operator", "according to firstmate.yml"),
        ("U0BOB", "approver", "as a member of the user group S0DBAONCALL"),
        ("U0ALICE", "admin", "according to firstmate.yml"),
    ],
)
def test_a_role_comes_from_the_configuration_or_a_user_group(directory, user, role, reason):
    assert directory.may(user, role) == (True, f"<@{user}> is an {role} {reason}.")


@pytest.mark.parametrize(
    ("user", "role", "reason"),
    [
        ("U0CAROL", "approver", "is not an approver. The holders of the role are set under `roles.approver`"),
        ("U0GUEST", "operator", "is a guest"),
        ("U0STRANGER", "operator", "another"),
        ("U0FIRSTMATE", "operator", "is a bot"),
        ("U0NOBODY", "operator", "user_not_found"),
    ],
)
def test_other_users_are_denied_with_the_reason(directory, user, role, reason):
    may, says = directory.may(user, role)
    assert not may
    assert reason in says


NARROWER = Roles(
    operator=People(users=("U0CAROL",)),
    approver=People(users=("U0CAROL", "U0BOB")),
    break_glass=People(users=("U0ALICE",)),
    only=(
        RoleRestriction(role="approver", shards=("pay*",), risks=("destructive",), users=("U0ALICE",)),
        RoleRestriction(role="approver", shards=("pay*",), users=("U0BOB",)),
        RoleRestriction(role="operator", shards=("pay*",), usergroups=("S0DBAONCALL",)),
    ),
)


@pytest.mark.parametrize(
    ("user", "role", "shard", "risk", "may"),
    [
        ("U0CAROL", "approver", "orders", "destructive", True),
        ("U0CAROL", "approver", "payments", "reversible", False),
        ("U0BOB", "approver", "payments", "reversible", True),
        ("U0BOB", "approver", "payments", "destructive", False),
        ("U0ALICE", "approver", "payments", "destructive", True),
        ("U0CAROL", "operator", "orders", "", True),
        ("U0CAROL", "operator", "payments", "", False),
        ("U0BOB", "operator", "payments", "", True),
        ("U0CAROL", "operator", "", "", True),
        ("U0ALICE", "break_glass", "", "", True),
        ("U0BOB", "break_glass", "", "", False),
    ],
)
def test_a_restriction_limits_a_role_for_some_shards_and_risks(web, clock, user, role, shard, risk, may):
    directory = SlackDirectory(web, NARROWER, "T0LOCAL", clock=clock)
    assert directory.may(user, role, shard=shard, risk=risk)[0] is may


def test_a_denial_names_the_restriction_that_decided(web, clock):
    says = SlackDirectory(web, NARROWER, "T0LOCAL", clock=clock).may(
        "U0BOB", "approver", shard="payments", risk="destructive"
    )[1]
    assert says == (
        "<@U0BOB> is not an approver for destructive changes of payments. "
        "The holders of the role are set under `roles.only[0]` in firstmate.yml."
    )


def test_a_deactivated_user_is_denied_once_the_cache_expires(directory, people: WorkspaceClient, clock: Clock):
    assert directory.may("U0CAROL", "operator")[0]
    people.post("/local/user", {"user": "U0CAROL", "deleted": True})
    clock.now += CACHED
    assert directory.may("U0CAROL", "operator") == (
        False,
        "<@U0CAROL> is deactivated; only full members of this workspace may use Firstmate.",
    )


def test_the_check_before_a_change_bypasses_the_cache(directory, people: WorkspaceClient):
    assert directory.may("U0BOB", "approver")[0]
    people.post("/local/usergroup", {"usergroup": "S0DBAONCALL", "users": ["U0ALICE"]})
    assert directory.may("U0BOB", "approver")[0]
    assert not directory.may("U0BOB", "approver", fresh=True)[0]


def test_everybody_is_denied_when_slack_does_not_answer(directory, people: WorkspaceClient):
    people.fail_next("usergroups.users.list", status=500)
    may, says = directory.may("U0BOB", "approver")
    assert not may
    assert "could not list the members of the user group S0DBAONCALL" in says
