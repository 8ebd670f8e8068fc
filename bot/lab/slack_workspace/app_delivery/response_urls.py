"""response_url: the short-lived URL through which the app replies to a command or a click."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.lab.slack_workspace.model import SlackError

LIFE = 30 * 60.0  # seconds
USES = 5


@dataclass(slots=True)
class ResponseTarget:
    """What a response_url replies to: who acted, where, and on which message."""

    user: str
    channel: str
    at: float
    message_ts: str = ""
    thread_ts: str = ""
    is_ephemeral: bool = False
    uses: int = 0


class ResponseUrls:
    """The issued response URLs; each is valid for 5 uses within 30 minutes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, ResponseTarget] = {}

    def new(
        self, user: str, channel: str, message_ts: str = "", thread_ts: str = "", is_ephemeral: bool = False
    ) -> str:
        """Issues a response URL; returns its secret last segment."""
        key = secrets.token_urlsafe(18)
        self._known[key] = ResponseTarget(user, channel, self._clock(), message_ts, thread_ts, is_ephemeral)
        return key

    def use(self, key: str) -> ResponseTarget:
        """Counts a use of a response URL and returns its target; raises expired_url or used_url."""
        response = self._known.get(key)
        if response is None or self._clock() - response.at > LIFE:
            raise SlackError("expired_url")
        if response.uses >= USES:
            raise SlackError("used_url")
        response.uses += 1
        return response
