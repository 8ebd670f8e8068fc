"""The methods about users and the team: auth.test, users.*, usergroups.*, bots.info, team.info."""

from __future__ import annotations

from bot.lab.slack_workspace import seed_data
from bot.lab.slack_workspace.model import Json, SlackError
from bot.lab.slack_workspace.web_api.api_call import ApiCall


def auth_test(call: ApiCall) -> Json:
    """auth.test."""
    return {
        "url": f"{call.state.url}/",
        "team": seed_data.TEAM_NAME,
        "user": call.state.users[call.bot.user_id].name,
        "team_id": call.state.team_id,
        "user_id": call.bot.user_id,
        "bot_id": call.bot.id,
        "is_enterprise_install": False,
    }


def api_test(call: ApiCall) -> Json:
    """api.test: returns the arguments, or the error that they name."""
    args = {name: value for name, value in call.args.items() if name != "token"}
    if error := call.text("error"):
        raise SlackError(error, args=args)
    return {"args": args}


def user_info(call: ApiCall) -> Json:
    """users.info."""
    return {"user": call.state.user(call.args.get("user")).public()}


def user_list(call: ApiCall) -> Json:
    """users.list: the team's own users and bots."""
    team = [user.public() for user in call.state.users.values() if user.team_id == call.state.team_id]
    page, cursor = call.page(team, call.number("limit", 200, 1000))
    return {"members": page, "cache_ts": int(call.state.clock()), "response_metadata": {"next_cursor": cursor}}


def usergroup_list(call: ApiCall) -> Json:
    """usergroups.list."""
    groups = call.state.usergroups.values()
    return {"usergroups": [group.public(call.state.team_id, call.flag("include_users")) for group in groups]}


def usergroup_users(call: ApiCall) -> Json:
    """usergroups.users.list."""
    group = call.state.usergroups.get(call.text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def bot_info(call: ApiCall) -> Json:
    """bots.info."""
    bot = call.state.bots.get(call.text("bot", call.bot.id))
    if bot is None:
        raise SlackError("bot_not_found")
    return {"bot": bot.profile(call.state.team_id)}


def team_info(call: ApiCall) -> Json:
    """team.info."""
    team = {
        "id": call.state.team_id,
        "name": seed_data.TEAM_NAME,
        "domain": seed_data.TEAM_DOMAIN,
        "url": f"{call.state.url}/",
    }
    return {"team": {**team, "email_domain": "", "icon": {"image_default": True}}}
