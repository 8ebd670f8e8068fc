"""Messages as they are wanted: what the desk puts into the mailbox, and what the outbox brings Slack to.

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
    """Who goes first when Slack lets only one through: what somebody must act on, then news, then the rest."""

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
    """Key of the message in whose thread it stands; None for one that stands in the channel."""
    priority: Priority
    payload: dict[str, Any]
    """JSON: what the Slack adapter sends, in its own terms."""

    @property
    def digest(self) -> str:
        """Changes when the wanted content does."""
        text = json.dumps([self.channel, self.root, self.payload], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message that is not in Slack as it is wanted."""

    key: str
    channel: str
    priority: Priority
    ts: str | None
    """Where it stands in Slack, when it was posted before: then it is edited."""
    root_ts: str | None
    threaded: bool
    attempt: int
    doubtful: bool
    """Whether it may have been posted without our knowing: its answer was lost, or the bot died over it."""


class Outbox(Protocol):
    """Keeps the wanted messages; each method is one transaction."""

    def put(self, message: Message) -> None:
        """Stores what is wanted; the same content again changes nothing."""
        ...

    def content(self, key: str) -> tuple[dict[str, Any], str]:
        """What is wanted of a message now, with its digest."""
        ...

    def due(self, *, limit: int = 50) -> Sequence[Envelope]:
        """Messages to send or edit now, the most urgent first; one whose root is not posted yet is not due."""
        ...

    def sending(self, key: str) -> None:
        """Records that it is about to be sent, so that a crash leaves it doubtful."""
        ...

    def sent(self, key: str, digest: str, ts: str) -> None:
        """Records that this content is in Slack."""
        ...

    def refused(self, key: str, error: str, *, retry_in: float) -> None:
        """Records that Slack said no, so it is certainly not there; it is tried again after that many seconds."""
        ...

    def lost(self, key: str, error: str, *, retry_in: float) -> None:
        """Records that the answer was lost; it stays doubtful."""
        ...
