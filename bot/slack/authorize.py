"""Authorises every request from Slack by app, team, user and channel, before a listener sees it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt import BoltResponse
from slack_sdk import WebClient

from bot.slack.api_errors import NO_ANSWER
from bot.slack.error_replies import Record, refused
from bot.slack.user_directory import SlackDirectory

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Authorize:
    """A global middleware of Bolt. It replies to a refused request with the reason, and records the refusal."""

    directory: SlackDirectory
    client: WebClient
    team: str
    app_id: str
    record: Record

    def __call__(self, body: dict[str, Any], payload: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002 - Bolt's name
        """Passes the request on, or answers a refused one with 200 so that Slack does not send it again."""
        if "event" in body:
            # Events are acknowledged and ignored: no listener reads messages.
            return next()
        user = _user(body)
        reason = self._refusal(body, user)
        if reason is None:
            return next()
        entry = entry_of(body)
        log.warning("refused %s for %s: %s", entry, user, reason)
        self.record(user, entry, reason)
        self.tell(user, _channel(body), refused(reason))
        return BoltResponse(status=200, body="")

    def tell(self, user: str, channel: str, text: str) -> None:
        """Posts a message that only one user sees; a failure is logged."""
        if not channel or not user:
            return
        try:
            self.client.chat_postEphemeral(channel=channel, user=user, text=text)
        except NO_ANSWER as error:
            log.warning("the reply to %s could not be posted: %s", user, error)

    def _refusal(self, body: Mapping[str, Any], user: str) -> str | None:
        if not user:
            return "The request has no user."
        if body.get("api_app_id", self.app_id) != self.app_id:
            return "The request is for another app."
        if _team(body) != self.team:
            return f"<@{user}> belongs to another workspace; only full members of this workspace may use Firstmate."
        home = (body.get("user") or {}).get("team_id") if isinstance(body.get("user"), dict) else None
        if home not in (None, self.team):
            return f"<@{user}> belongs to another workspace; only full members of this workspace may use Firstmate."
        channel = body.get("channel")
        if body.get("is_ext_shared_channel") or (isinstance(channel, dict) and channel.get("is_ext_shared")):
            return "Firstmate does not work in channels that are shared with other organizations."
        colleague, says = self.directory.is_colleague(user)
        return None if colleague else says


def entry_of(body: Mapping[str, Any]) -> str:
    """Returns the command, button or form of a request for the audit log, such as `/mate halt` or `run.approve`."""
    if "command" in body:
        return f"{body['command']} {body.get('text', '')}".strip()[:100]
    actions = body.get("actions") or []
    if actions:
        return str(actions[0].get("action_id", "action"))
    return str(body.get("type", "request"))


def _user(body: Mapping[str, Any]) -> str:
    user = body.get("user")
    if isinstance(user, dict):
        return str(user.get("id", ""))
    return str(body.get("user_id", ""))


def _team(body: Mapping[str, Any]) -> str:
    team = body.get("team")
    if isinstance(team, dict):
        return str(team.get("id", ""))
    return str(body.get("team_id", ""))


def _channel(body: Mapping[str, Any]) -> str:
    """Returns the channel of the request; a form carries the channel in which it was opened."""
    if "view" in body:
        found = re.search(r'"channel": "(\w+)"', str(body["view"].get("private_metadata", "")))
        return found[1] if found else ""
    channel = body.get("channel")
    if isinstance(channel, dict):
        return str(channel.get("id", ""))
    return str(body.get("channel_id", ""))
