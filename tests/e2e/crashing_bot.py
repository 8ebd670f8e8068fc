"""The bot, except that it kills itself (SIGKILL) at one point: `before` or `after` one call of one object.

With `stop-` before it, it stops itself (SIGSTOP) there once, and goes on when it is woken.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from bot import app
from bot.config import load
from bot.fleet.mysql_sessions import MySQLChanger
from bot.slack.outbox_sender import Sender
from bot.store.outbox_store import OutboxStore
from bot.store.run_store import RunStore

OWNERS = {each.__name__: each for each in (RunStore, MySQLChanger, OutboxStore, Sender)}


def serve_until(point: str, config: Path) -> None:
    """Runs the bot; the point is such as `before:RunStore.begin`."""
    _crash_at(point)
    app.serve(load(config))


def _crash_at(point: str) -> None:
    """Replaces the method by one that kills this process before or after the real one."""
    when, _, place = point.partition(":")
    number = signal.SIGSTOP if when.startswith("stop-") else signal.SIGKILL
    when = when.removeprefix("stop-")
    owner, _, name = place.partition(".")
    real = getattr(OWNERS[owner], name)

    def crashing(*arguments: Any, **named: Any) -> Any:
        setattr(OWNERS[owner], name, real)
        if when == "before":
            os.kill(os.getpid(), number)
        result = real(*arguments, **named)
        if when == "after":
            os.kill(os.getpid(), number)
        return result

    setattr(OWNERS[owner], name, crashing)
