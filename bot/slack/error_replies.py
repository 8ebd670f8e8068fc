"""Turns a refusal or an error into the reply to the sender of a request from Slack; nothing else does."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from bot.errors import FirstmateError
from bot.slack.blocks import sentence

log = logging.getLogger(__name__)

T = TypeVar("T")

Record = Callable[[str, str, str], None]
"""Records a refusal or a bug: (user, entry, reason)."""


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What the sender of a failed request is told."""

    says: str
    """The sentence for a field of a form."""
    message: str
    """The same as an ephemeral message."""


def refused(reason: str) -> str:
    """Returns the message for a refused request."""
    return f":no_entry: {sentence(reason)}"


def attempt(record: Record, user: str, entry: str, do: Callable[[], T]) -> T | ErrorReply:
    """Executes a request and returns its result; records an error and returns the reply for it."""
    try:
        return do()
    except FirstmateError as error:
        record(user, entry, str(error))
        return ErrorReply(str(error), refused(str(error)))
    except Exception:
        # The edge: a bug. The log has the traceback under the number in the reply.
        number = secrets.token_hex(4)
        log.exception("bug %s in %s of %s", number, entry, user)
        record(user, entry, f"bug {number}")
        says = f"The request failed because of a bug in Firstmate. Search the bot's log for the error ID {number}."
        return ErrorReply(says, f":warning: {says}")
