"""The users, bots, channels and user groups of a new local workspace."""

from __future__ import annotations

from bot.lab.slack_workspace.model import AppBot, Channel, Tokens, User, Usergroup

TEAM = "T0LOCAL"
TEAM_NAME = "Local Workspace"
TEAM_DOMAIN = "local"
FIRSTMATE = "A0FIRSTMATE"
ALERTS = "A0ALERTS"

COMMANDS = {
    "/triage": "Diagnose an instance now",
    "/runbook": "List, show or run runbooks",
    "/mate": "Status, halt and resume",
}


def users() -> dict[str, User]:
    """Returns the users, including those of the bots, by id."""
    everyone = (
        User("U0ALICE", "alice", "Alice", title="DBA lead", colour="7c4dab", is_admin=True),
        User("U0BOB", "bob", "Bob", title="DBA on call", colour="2b7a78"),
        User("U0CAROL", "carol", "Carol", title="Operator", colour="c06014"),
        User("U0GUEST", "guest", "Guest", title="Guest", colour="6b705c", is_restricted=True),
        User("U0STRANGER", "stranger", "Stranger", "T0OTHER", "Other company", "8d3b72", is_stranger=True),
        User(
            "U0FIRSTMATE",
            "firstmate",
            "Firstmate",
            colour="1d4e89",
            is_bot=True,
            bot_id="B0FIRSTMATE",
            app_id=FIRSTMATE,
        ),
        User(
            "U0ALERTMGR", "alertmanager", "Alertmanager", colour="f3dfd6", is_bot=True, bot_id="B0ALERTS", app_id=ALERTS
        ),
    )
    return {user.id: user for user in everyone}


def bots(tokens: Tokens) -> dict[str, AppBot]:
    """Returns the two installed bots by bot id."""
    both = (
        AppBot("B0FIRSTMATE", FIRSTMATE, "U0FIRSTMATE", "Firstmate", tokens.bot_token),
        AppBot("B0ALERTS", ALERTS, "U0ALERTMGR", "Alertmanager", tokens.alerts_bot_token, as_bot_message=True),
    )
    return {bot.id: bot for bot in both}


def channels() -> dict[str, Channel]:
    """Returns the channels by id; Firstmate is a member of the first two."""
    people = {"U0ALICE", "U0BOB", "U0CAROL", "U0GUEST", "U0STRANGER"}
    apps = {"U0FIRSTMATE", "U0ALERTMGR"}
    every = (
        Channel("C0DBALERTS", "db-alerts", "Alerts of the database fleet", people | apps),
        Channel("C0BILLING", "billing-incidents", "Incidents of the billing clusters", people | apps),
        Channel("C0GENERAL", "general", "Company-wide talk", set(people)),
    )
    return {channel.id: channel for channel in every}


def usergroups() -> dict[str, Usergroup]:
    """Returns the user groups by id."""
    group = Usergroup("S0DBAONCALL", "dba-oncall", "DBA on call", ["U0ALICE", "U0BOB"])
    return {group.id: group}
