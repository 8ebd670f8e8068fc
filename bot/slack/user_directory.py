"""Looks up users and their roles in Slack; a user who cannot be looked up is denied."""

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
"""Seconds for which an answer of Slack is cached; the checks before a change bypass the cache."""
MOST_CACHED = 5000
_HOLDS = {
    "operator": ("is an operator", "is not an operator"),
    "approver": ("is an approver", "is not an approver"),
    "admin": ("is an admin", "is not an admin"),
    "break_glass": ("may use break-glass", "may not use break-glass"),
}


@dataclass(frozen=True, slots=True)
class _CachedAnswer:
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
        self._answers: dict[str, _CachedAnswer] = {}
        self._lock = threading.Lock()

    def is_colleague(self, user: str, *, fresh: bool = False) -> tuple[bool, str]:
        """Returns whether the user is a full member of this team, and the reason if not."""
        try:
            known: Mapping[str, Any] = self._ask(
                f"user:{user}", lambda: self._client.users_info(user=user)["user"], fresh
            )
        except (*NO_ANSWER, KeyError) as error:
            return False, _not_answered(f"look up <@{user}>", error)
        return _colleague(user, known, self._team)

    def may(self, user: str, role: str, *, shard: str = "", risk: str = "", fresh: bool = False) -> tuple[bool, str]:
        """Returns whether the user holds a role, and the reason; see bot.engine.ports.Directory."""
        colleague, says = self.is_colleague(user, fresh=fresh)
        if not colleague:
            return False, says
        people, key = self._roles.people(role, shard, risk)
        holds, holds_not = _HOLDS[role]
        if user in people.users:
            return True, f"<@{user}> {holds} according to firstmate.yml."
        for group in people.usergroups:
            try:
                members = self._members(group, fresh)
            except (*NO_ANSWER, KeyError) as error:
                return False, _not_answered(f"list the members of the user group {group}", error)
            if user in members:
                return True, f"<@{user}> {holds} as a member of the user group {group}."
        where = f" for {' '.join(filter(None, (risk, 'changes of', shard)))}" if key.startswith("roles.only") else ""
        return False, f"<@{user}> {holds_not}{where}. The holders of the role are set under `{key}` in firstmate.yml."

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
            self._answers[key] = _CachedAnswer(self._clock(), value)
        return value


def _colleague(user: str, known: Mapping[str, Any], team: str) -> tuple[bool, str]:
    """Decides by the answer of users.info whether the user is a full member of the team. Pure."""
    refusals = (
        (known.get("id") != user, "is unknown"),
        (known.get("deleted", True), "is deactivated"),
        (known.get("is_bot", True), "is a bot"),
        (known.get("is_restricted", False) or known.get("is_ultra_restricted", False), "is a guest"),
        (known.get("is_stranger", False), "belongs to another organization"),
        (known.get("team_id") != team, "belongs to another workspace"),
    )
    for refused, why in refusals:
        if refused:
            return False, f"<@{user}> {why}; only full members of this workspace may use Firstmate."
    return True, ""


def _not_answered(what: str, error: Exception) -> str:
    """Returns the sentence for a request that is refused because Slack did not answer a question about it."""
    why = refusal(error) if isinstance(error, SlackApiError) else type(error).__name__
    return f"Firstmate could not {what} in Slack ({why}), so the request was refused. Try again."
