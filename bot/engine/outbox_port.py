"""The wanted state of messages, which the sender brings Slack to.

A message is a key and a wanted content, not an act of sending: put again with another content it is edited in place,
and several edits before one is sent are one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol


class Priority(IntEnum):
    """The order of sending under Slack's rate limits: what a person must act on, then news, then the rest."""

    ACT = 0
    NEWS = 1
    PROGRESS = 2
    PICTURE = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One wanted message."""

    key: str
    channel: str
    root: str | None
    """Key of the message that starts its thread; None for a message in the channel."""
    priority: Priority
    payload: dict[str, Any]
    """JSON that the Slack adapter sends."""

    @property
    def digest(self) -> str:
        """A digest of the wanted content."""
        text = json.dumps([self.channel, self.root, self.payload], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message whose content in Slack differs from the wanted one."""

    key: str
    channel: str
    priority: Priority
    ts: str | None
    """Its timestamp in Slack if it was posted before; then it is edited."""
    root_ts: str | None
    threaded: bool
    attempt: int
    doubtful: bool
    """Whether it may have been posted although no answer came: the answer was lost, or the bot died."""


class Outbox(Protocol):
    """Keeps the wanted messages; each method is one transaction."""

    def put(self, message: Message) -> None:
        """Stores the wanted content; the same content again changes nothing."""
        ...

    def content(self, key: str) -> tuple[dict[str, Any], str]:
        """Returns the wanted content of a message, with its digest."""
        ...

    def due(self, *, limit: int = 50) -> Sequence[Envelope]:
        """Returns the messages to send or edit now, most urgent first; a reply is due once its root was posted."""
        ...

    def sending(self, key: str) -> None:
        """Records that a message is about to be sent, so that it counts as doubtful after a crash."""
        ...

    def sent(self, key: str, digest: str, ts: str) -> None:
        """Records that this content is in Slack."""
        ...

    def refused(self, key: str, error: str, *, retry_in: float) -> None:
        """Records that Slack rejected a message, which is sent again after this many seconds."""
        ...

    def lost(self, key: str, error: str, *, retry_in: float) -> None:
        """Records that the answer of Slack was lost; the message stays doubtful."""
        ...
