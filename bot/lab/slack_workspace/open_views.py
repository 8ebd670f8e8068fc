"""Modals: the trigger ids that open them, and the stack of open views of each user."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.lab.slack_workspace.model import Json, SlackError

TRIGGER_LIFE = 3.0  # seconds
MAX_STACK = 3


@dataclass(slots=True)
class _Trigger:
    user: str
    at: float
    used: bool = False


class Triggers:
    """Trigger ids: each opens one modal for one user within 3 seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, _Trigger] = {}
        self.life = TRIGGER_LIFE

    def new(self, user: str) -> str:
        """Returns a trigger id for a user who has just acted."""
        trigger_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._known[trigger_id] = _Trigger(user, self._clock())
        return trigger_id

    def redeem(self, trigger_id: str) -> str:
        """Uses a trigger id and returns its user; raises SlackError if it is unknown, expired or used."""
        trigger = self._known.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if self._clock() - trigger.at > self.life:
            raise SlackError("expired_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        trigger.used = True
        return trigger.user


@dataclass(slots=True)
class OpenView:
    """An open view, with the errors that the app reported for it."""

    user: str
    view: Json
    errors: dict[str, str] = field(default_factory=dict)
    response_urls: list[Json] = field(default_factory=list)


class Views:
    """The open views of each user, the topmost last."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stacks: dict[str, list[OpenView]] = {}

    def stack(self, user: str) -> list[OpenView]:
        """Returns the open views of a user, the topmost last."""
        return self._stacks.setdefault(user, [])

    def top(self, user: str) -> OpenView | None:
        """Returns the topmost view of a user, or None."""
        stack = self.stack(user)
        return stack[-1] if stack else None

    def find(self, view_id: str = "", external_id: str = "") -> OpenView:
        """Returns an open view by either id; raises not_found."""
        for stack in self._stacks.values():
            for opened in stack:
                if view_id and opened.view["id"] == view_id:
                    return opened
                if external_id and opened.view.get("external_id") == external_id:
                    return opened
        raise SlackError("not_found")

    def push(self, user: str, view: Json) -> OpenView:
        """Pushes a view; raises push_limit_reached for the fourth."""
        stack = self.stack(user)
        if len(stack) >= MAX_STACK:
            raise SlackError("push_limit_reached")
        view_id = "V" + secrets.token_hex(5).upper()
        below = stack[-1].view if stack else None
        opened = OpenView(
            user,
            {
                **view,
                "id": view_id,
                "hash": self._hash(),
                "root_view_id": below["root_view_id"] if below else view_id,
                "previous_view_id": below["id"] if below else None,
            },
        )
        stack.append(opened)
        return opened

    def replace(self, opened: OpenView, view: Json, expected_hash: str = "") -> OpenView:
        """Replaces the content of an open view; raises hash_conflict when it has changed in between."""
        if expected_hash and expected_hash != opened.view["hash"]:
            raise SlackError("hash_conflict")
        kept = {name: opened.view[name] for name in ("id", "root_view_id", "previous_view_id")}
        opened.view = {**view, **kept, "hash": self._hash()}
        opened.errors = {}
        return opened

    def close(self, opened: OpenView) -> None:
        """Closes a view."""
        stack = self.stack(opened.user)
        if opened in stack:
            stack.remove(opened)

    def clear(self, user: str) -> None:
        """Closes all views of a user."""
        self._stacks[user] = []

    def _hash(self) -> str:
        return f"{int(self._clock())}.{secrets.token_hex(4)}"
