"""A call of a Web API method: the calling bot and the arguments, from a form or JSON."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass

from bot.lab.slack_workspace.model import AppBot, Json, JsonValue, SlackError
from bot.lab.slack_workspace.workspace_state import WorkspaceState


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call with its arguments; as in Slack, numbers, flags and structures may be given as strings."""

    state: WorkspaceState
    bot: AppBot
    args: Json

    def text(self, name: str, default: str = "") -> str:
        """Returns an argument as text."""
        value = self.args.get(name, default)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """Returns a required argument; raises invalid_arguments."""
        value = self.text(name)
        if not value:
            raise SlackError(
                "invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {name}"]}
            )
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Returns an argument as a boolean."""
        value = self.args.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")

    def number(self, name: str, default: int, most: int) -> int:
        """Returns an argument as a number between 1 and `most`; raises invalid_limit."""
        try:
            value = int(self.args.get(name) or default)
        except (TypeError, ValueError) as problem:
            raise SlackError("invalid_limit") from problem
        if value < 1:
            raise SlackError("invalid_limit")
        return min(value, most)

    def structure(self, name: str, error: str) -> JsonValue:
        """Returns a JSON argument, decoded if it is given as text; raises the given error."""
        value = self.args.get(name)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except ValueError as problem:
            raise SlackError(error) from problem

    def page(self, items: list[Json], limit: int) -> tuple[list[Json], str]:
        """Returns the page at the `cursor` argument, and the cursor of the next page, empty on the last one."""
        begin = 0
        if cursor := self.text("cursor"):
            try:
                begin = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
            except (binascii.Error, ValueError) as problem:
                raise SlackError("invalid_cursor") from problem
        end = begin + limit
        return items[begin:end], base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""


Method = Callable[[ApiCall], Json]
