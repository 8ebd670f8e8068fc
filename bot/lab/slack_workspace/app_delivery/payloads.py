"""Builds the payloads of commands, clicks, shortcuts and submissions in Slack's format."""

from __future__ import annotations

from bot.lab.slack_workspace import seed_data
from bot.lab.slack_workspace.model import Channel, Json, User
from bot.lab.slack_workspace.web_api.modals import public
from bot.lab.slack_workspace.workspace_state import WorkspaceState

VERIFICATION = "local-verification-token"


def _actor(state: WorkspaceState, user: User) -> Json:
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "team": {"id": state.team_id, "domain": seed_data.TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "api_app_id": state.app.app_id,
        "token": VERIFICATION,
        "trigger_id": state.triggers.new(user.id),
    }


def command(state: WorkspaceState, user: User, channel: Channel, name: str, text: str) -> Json:
    """Returns the payload of a slash command."""
    key = state.responses.new(user.id, channel.id)
    return {
        "token": VERIFICATION,
        "team_id": user.team_id,
        "team_domain": seed_data.TEAM_DOMAIN if user.team_id == state.team_id else "other",
        "channel_id": channel.id,
        "channel_name": channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": state.app.app_id,
        "is_enterprise_install": "false",
        "response_url": f"{state.url}/commands/{state.team_id}/{key}",
        "trigger_id": state.triggers.new(user.id),
    }


def click(state: WorkspaceState, user: User, channel: Channel, message: Json, action: Json, values: Json) -> Json:
    """Returns the payload of a click or choice in a message."""
    ephemeral = bool(message.get("is_ephemeral"))
    key = state.responses.new(user.id, channel.id, message["ts"], message.get("thread_ts", ""), ephemeral)
    container = {"type": "message", "message_ts": message["ts"], "channel_id": channel.id, "is_ephemeral": ephemeral}
    if message.get("thread_ts"):
        container["thread_ts"] = message["thread_ts"]
    payload = {
        "type": "block_actions",
        **_actor(state, user),
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": values},
        "response_url": f"{state.url}/actions/{state.team_id}/{key}",
        "actions": [action],
    }
    if not ephemeral:
        payload["message"] = {name: value for name, value in message.items() if name != "metadata"}
    return payload


def view_click(state: WorkspaceState, user: User, view: Json, action: Json) -> Json:
    """Returns the payload of a click or choice in a modal."""
    return {
        "type": "block_actions",
        **_actor(state, user),
        "container": {"type": "view", "view_id": view["id"]},
        "view": public(state, view),
        "actions": [action],
    }


def submission(state: WorkspaceState, user: User, view: Json) -> Json:
    """Returns the payload of a submitted modal."""
    return {"type": "view_submission", **_actor(state, user), "view": public(state, view), "response_urls": []}


def closed(state: WorkspaceState, user: User, view: Json, is_cleared: bool) -> Json:
    """Returns the payload of a closed modal with notify_on_close."""
    payload = {"type": "view_closed", **_actor(state, user), "view": public(state, view), "is_cleared": is_cleared}
    del payload["trigger_id"]
    return payload


def message_shortcut(state: WorkspaceState, user: User, channel: Channel, message: Json, callback_id: str) -> Json:
    """Returns the payload of a message shortcut."""
    key = state.responses.new(user.id, channel.id, message["ts"], message.get("thread_ts", ""))
    return {
        "type": "message_action",
        **_actor(state, user),
        "callback_id": callback_id,
        "action_ts": state.messages.new_ts(),
        "message_ts": message["ts"],
        "channel": {"id": channel.id, "name": channel.name},
        "message": {name: value for name, value in message.items() if name != "metadata"},
        "response_url": f"{state.url}/app/{state.team_id}/{key}",
    }


def global_shortcut(state: WorkspaceState, user: User, callback_id: str) -> Json:
    """Returns the payload of a global shortcut."""
    return {
        "type": "shortcut",
        **_actor(state, user),
        "callback_id": callback_id,
        "action_ts": state.messages.new_ts(),
    }
