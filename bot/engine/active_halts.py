"""Halts of all changes, or those of one shard or action; by command, or by a file that works without Slack."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from actions.catalog import REMEDIATIONS
from bot.engine.ports import Fleet, Store
from bot.engine.target_selection import shards
from bot.errors import UnknownTarget, WrongUsage
from bot.guards.facts import Halt
from bot.runbook.language.signatures import did_you_mean

SHARD, ACTION = "shard:", "action:"
"""How the scope of a halt begins, unless it applies to all changes."""
MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Halts:
    """The halts by people and by the file."""

    store: Store
    file: Path | None = None
    """While this file exists, nothing is changed."""

    def holding(self, shard: str, actions: Sequence[str]) -> Halt | None:
        """Returns the halt that applies to these actions in this shard, the widest one first; None if none applies."""
        scopes = ("", f"{SHARD}{shard}", *(f"{ACTION}{action}" for action in actions))
        found = {halt.scope: halt for halt in self.every()}
        return next((found[scope] for scope in scopes if scope in found), None)

    def share(self) -> None:
        """Copies the halt of this host's file to the store: it then applies to all replicas until an admin lifts it."""
        by_file = on_disk(self.file)
        if by_file is not None and all(each.scope for each in self.store.halts()):
            by = f"a file on {socket.gethostname()[:40]}"
            self.store.set_halt(replace(by_file, by=by, by_file=False), actor=by)

    def every(self) -> list[Halt]:
        """Returns all halts; the file's replaces a person's halt of all changes."""
        by_file = on_disk(self.file)
        by_people = self.store.halts()
        return [*([by_file] if by_file else []), *(each for each in by_people if by_file is None or each.scope)]


def on_disk(file: Path | None) -> Halt | None:
    """Returns the halt of the file, whose first line is the reason; None if there is no file."""
    if file is None:
        return None
    try:
        since = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        with file.open(encoding="utf-8", errors="replace") as opened:
            reason = opened.readline(MAX_REASON).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        # A file that cannot be read still halts: somebody put it there.
        return Halt(f"the file {file}", f"it cannot be read: {error.strerror}", datetime.now(UTC), by_file=True)
    return Halt(f"the file {file}", reason or "no reason given", since, by_file=True)


def scope_of(text: str) -> tuple[str, str]:
    """Splits a text into the scope that it begins with ('' for all changes) and the rest; raises WrongUsage."""
    first, _, rest = text.strip().partition(" ")
    if not first.startswith((SHARD, ACTION)):
        return "", text.strip()
    if first in (SHARD, ACTION):
        raise WrongUsage(
            f"{first!r} needs a name after the colon. Write for example {SHARD}orders or {ACTION}mysql.kill_query."
        )
    return first, rest.strip()


def known_scope(fleet: Fleet, text: str) -> tuple[str, str]:
    """Splits a text as `scope_of`, and raises UnknownTarget when there is no such shard or action."""
    scope, rest = scope_of(text)
    kind, _, name = scope.partition(":")
    known = sorted(REMEDIATIONS) if kind == "action" else shards(fleet)
    if scope and name not in known:
        raise UnknownTarget(f"There is no {kind} {name!r}{did_you_mean(name, known) or '.'}")
    return scope, rest
