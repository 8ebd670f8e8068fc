"""Who people are, by Slack's own word; whoever is not known is denied."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.config import Roles
from bot.slack.api_errors import NO_ANSWER, refusal

CACHED = 60.0
"""Seconds for which an answer of Slack is believed; a change asks past it."""
MOST_CACHED = 5000
_HOLDS = {
    "operator": ("is an operator", "is not an operator"),
    "approver": ("is an approver", "is not an approver"),
    "admin": ("is an admin", "is not an admin"),
    "break_glass": ("may break the glass", "may not break the glass"),
}


@dataclass(frozen=True, slots=True)
class _Answer:
    at: float
    value: Any


class SlackDirectory:
    """Implements bot.engine.ports.Directory on users.info and usergroups.users.list."""

    def __init__(
        self, client: WebClient, roles: Roles, team: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._roles = roles
        self._team = team
        self._clock = clock
        self._answers: dict[str, _Answer] = {}
        self._lock = threading.Lock()

    def is_colleague(self, user: str, *, fresh: bool = False) -> tuple[bool, str]:
        """Whether the user is a full member of this very team, and the sentence that says why not."""
        try:
            known: Mapping[str, Any] = self._ask(
                f"user:{user}", lambda: self._client.users_info(user=user)["user"], fresh
            )
        except (*NO_ANSWER, KeyError) as error:
            return False, f"Slack did not say who <@{user}> is ({_kind(error)}); try again when it does."
        return _colleague(user, known, self._team)

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        """Whether the user holds a role; see the port."""
        colleague, says = self.is_colleague(user, fresh=fresh)
        if not colleague:
            return False, says
        people, key = self._roles.people(role, shard, risk)
        holds, holds_not = _HOLDS[role]
        if user in people.users:
            return True, f"<@{user}> {holds} by the configuration."
        for group in people.usergroups:
            try:
                members = self._members(group, fresh)
            except (*NO_ANSWER, KeyError) as error:
                return False, f"Slack did not say who is in {group} ({_kind(error)}); try again when it does."
            if user in members:
                return True, f"<@{user}> {holds} by the user group {group}."
        where = f" for {' '.join(filter(None, (risk, 'changes of', shard)))}" if key.startswith("roles.only") else ""
        return False, f"<@{user}> {holds_not}{where}. Who should be, is set under {key} in the configuration."

    def _members(self, group: str, fresh: bool) -> list[str]:
        found: list[str] = self._ask(
            f"group:{group}", lambda: self._client.usergroups_users_list(usergroup=group)["users"], fresh
        )
        return found

    def _ask(self, key: str, ask: Callable[[], Any], fresh: bool) -> Any:  # noqa: ANN401 - Slack's JSON
        with self._lock:
            answer = self._answers.get(key)
        if answer is not None and not fresh and self._clock() - answer.at < CACHED:
            return answer.value
        value = ask()
        with self._lock:
            if len(self._answers) >= MOST_CACHED:
                self._answers.clear()
            self._answers[key] = _Answer(self._clock(), value)
        return value


def _colleague(user: str, known: Mapping[str, Any], team: str) -> tuple[bool, str]:
    """Judges users.info. Pure."""
    refusals = (
        (known.get("id") != user, "is not known here"),
        (known.get("deleted", True), "is deactivated"),
        (known.get("is_bot", True), "is a bot"),
        (known.get("is_restricted", False) or known.get("is_ultra_restricted", False), "is a guest"),
        (known.get("is_stranger", False), "belongs to another organisation"),
        (known.get("team_id") != team, "belongs to another team"),
    )
    for refused, why in refusals:
        if refused:
            return False, f"<@{user}> {why}; only full members of this workspace may use Firstmate."
    return True, ""


def _kind(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return refusal(error)
    return type(error).__name__
