"""The Events API: events for the app from the channels that it is a member of."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from bot.lab.slack_workspace.model import Json

if TYPE_CHECKING:
    from bot.lab.slack_workspace.workspace_state import WorkspaceState

MENTION = re.compile(r"<@(U[A-Z0-9]+)(?:\|[^>]*)?>")


def new_id(prefix: str) -> str:
    """Returns an id in Slack's format."""
    return prefix + secrets.token_hex(5).upper()


class Events:
    """Turns changes of messages into events for the app and updates for the page."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state

    def message(self, what: str, channel: str, message: Json, previous: Json | None) -> None:
        """Publishes that a message was posted, changed or deleted: to the page, and to the app if it is a member."""
        ts, thread = message["ts"], message.get("thread_ts")
        news: Json = {"type": what, "channel": channel, "ts": ts, "thread_ts": thread}
        if what == "ephemeral":
            self._state.hub.publish({**news, "user": message["viewer"]})
            return
        self._state.hub.publish(news)
        if what == "posted":
            self._posted(channel, message)
        elif what == "changed":
            changed = {"subtype": "message_changed", "message": dict(message), "previous_message": previous}
            self._in_channel(channel, {"type": "message", "hidden": True, **changed})
        else:
            deleted = {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": previous}
            self._in_channel(channel, {"type": "message", "hidden": True, **deleted})

    def _posted(self, channel: str, message: Json) -> None:
        event = {name: value for name, value in message.items() if name not in ("reply_count", "latest_reply")}
        if message.get("files"):
            event["subtype"] = event.get("subtype") or "file_share"
        self._in_channel(channel, {**event, "event_ts": message["ts"]})
        mentioned = MENTION.findall(str(message.get("text", "")))
        if self._state.app.user_id in mentioned and message.get("user") != self._state.app.user_id:
            self._in_channel(channel, {**message, "type": "app_mention", "event_ts": message["ts"]})

    def _in_channel(self, channel_id: str, event: Json) -> None:
        channel = self._state.channels[channel_id]
        if self._state.app.user_id not in channel.members:
            return
        subscribed = "message.groups" if channel.is_private else "message.channels"
        name = subscribed if event["type"] == "message" else event["type"]
        event = {**event, "channel": channel_id, "channel_type": "group" if channel.is_private else "channel"}
        event.setdefault("ts", self._state.messages.new_ts())
        event.setdefault("event_ts", event["ts"])
        self.tell(name, event, channel.is_ext_shared)

    def tell(self, name: str, event: Json, is_ext_shared: bool = False) -> None:
        """Sends an event to the app, if its manifest subscribes to it."""
        subscribed = self._state.manifest.events
        if subscribed and name not in subscribed:
            return
        app = self._state.app
        self._state.delivery.event(
            {
                "token": "local-verification-token",
                "team_id": self._state.team_id,
                "context_team_id": self._state.team_id,
                "context_enterprise_id": None,
                "api_app_id": app.app_id,
                "event": event,
                "type": "event_callback",
                "event_id": new_id("Ev"),
                "event_time": int(self._state.clock()),
                "authorizations": [
                    {
                        "enterprise_id": None,
                        "team_id": self._state.team_id,
                        "user_id": app.user_id,
                        "is_bot": True,
                        "is_enterprise_install": False,
                    }
                ],
                "is_ext_shared_channel": is_ext_shared,
                "event_context": new_id("4-"),
            }
        )
