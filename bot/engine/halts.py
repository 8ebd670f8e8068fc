"""The halt switch: for everything, one shard or one action; and a file on disk, which works when Slack does not."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.engine.ports import Store
from bot.errors import WrongUsage
from bot.guards.facts import Halt

SHARD, ACTION = "shard:", "action:"
"""How the scope of a halt begins that is not for everything."""
MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Halts:
    """What is halted, by people and by the file."""

    store: Store
    file: Path | None = None
    """While it is there, nothing is changed."""

    def holding(self, shard: str, actions: Sequence[str]) -> Halt | None:
        """The halt that holds for these actions in this shard, the widest first; None where nothing is halted."""
        scopes = ("", f"{SHARD}{shard}", *(f"{ACTION}{action}" for action in actions))
        found = {halt.scope: halt for halt in self.every()}
        return next((found[scope] for scope in scopes if scope in found), None)

    def share(self) -> None:
        """Makes the halt of this host's file one of all replicas of the bot, which an admin lifts."""
        by_file = on_disk(self.file)
        if by_file is not None and all(each.scope for each in self.store.halts()):
            by = f"a file on {socket.gethostname()[:40]}"
            self.store.set_halt(replace(by_file, by=by, by_file=False), actor=by)

    def every(self) -> list[Halt]:
        """All halts; that of the file stands for everything."""
        by_file = on_disk(self.file)
        by_people = self.store.halts()
        return [*([by_file] if by_file else []), *(each for each in by_people if by_file is None or each.scope)]


def on_disk(file: Path | None) -> Halt | None:
    """The halt of the file, whose first line is the reason; None where the file is not there."""
    if file is None:
        return None
    try:
        since = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        with file.open(encoding="utf-8", errors="replace") as opened:
            reason = opened.readline(MAX_REASON).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        # What cannot be read may say stop.
        return Halt(f"the file {file}", f"it cannot be read: {error.strerror}", datetime.now(UTC), by_file=True)
    return Halt(f"the file {file}", reason or "no reason given", since, by_file=True)


def scope_of(text: str) -> tuple[str, str]:
    """The scope that a person's words begin with, and the rest; raises WrongUsage for one without a name."""
    first, _, rest = text.strip().partition(" ")
    if not first.startswith((SHARD, ACTION)):
        return "", text.strip()
    if first in (SHARD, ACTION):
        raise WrongUsage(f"Name what is halted, e.g. {SHARD}orders or {ACTION}mysql.kill_query.")
    return first, rest.strip()
