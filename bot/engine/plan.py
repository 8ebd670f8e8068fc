"""A plan: what a remedy would change, exactly, under the digest that people approve; and how each change ended."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One action on one target, exactly as it would be made."""

    wave: int
    """Its turn, from 0: the changes of a wave are made, then all of them are verified, then the next wave begins."""
    action: str
    parameters: dict[str, Any]
    target: str
    address: str
    server: str
    """The server's own identity (server_uuid), so that another server at this address voids the plan."""
    statements: tuple[str, ...]
    undo: tuple[str, ...]
    undo_says: str
    """How it is undone, or why it cannot be."""
    risk: str
    revert_after: float | None = None
    """Seconds until the change is undone by itself."""
    cost: str = ""
    """What the server has to do because of it, as it was when the plan was made; '' where that is nothing."""
    follows: bool = False
    """Whether another change comes before it on its target: then it is checked, and its undo is planned, when its turn
    comes, on what the one before has left."""


def _undo(change: Change) -> tuple[str, ...]:
    """The undo as far as it is approved: that of a later step is not known yet."""
    return () if change.follows else change.undo


RISKS = ("reversible", "disruptive", "destructive")


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of a remedy, exactly as they would be made; approving is approving the digest."""

    remedy: str
    title: str
    changes: tuple[Change, ...]
    blast_radius: str
    on_failure: str = "stop"
    """`stop`, `undo` or `continue`."""
    error_budget: int = 0
    """How many changes may fail, where it goes on after a failure, before nothing more is begun."""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides what happens, as 64 hex digits."""
        parts: list[Any] = [self.on_failure, *([self.error_budget] if self.error_budget else [])]
        parts += [
            (c.wave, c.action, c.parameters, c.target, c.address, c.server, c.statements, c.revert_after, _undo(c))
            for c in self.changes
        ]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def waves(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the changes, wave by wave."""
        turns = sorted({change.wave for change in self.changes})
        return tuple(tuple(n for n, change in enumerate(self.changes) if change.wave == turn) for turn in turns)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the instances, in the order of their turns."""
        return tuple(dict.fromkeys(change.target for change in self.changes))

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.action for change in self.changes))

    @property
    def statements(self) -> tuple[str, ...]:
        """Every statement, in the order in which they run."""
        return tuple(text for change in self.changes for text in change.statements)

    @property
    def undo(self) -> tuple[str, ...]:
        """Every statement of the way back, the last change first."""
        return tuple(text for change in reversed(self.changes) for text in change.undo)

    @property
    def undo_says(self) -> str:
        """How it is undone, or why it cannot be."""
        return " ".join(dict.fromkeys(change.undo_says for change in self.changes))

    @property
    def cost(self) -> str:
        """What the servers have to do because of it."""
        return " ".join(dict.fromkeys(change.cost for change in self.changes if change.cost))

    @property
    def risk(self) -> str:
        """The worst risk of the changes."""
        return max((change.risk for change in self.changes), key=RISKS.index, default=RISKS[0])

    @property
    def revert_after(self) -> float | None:
        """Seconds until the first of the changes is undone by itself."""
        return min((c.revert_after for c in self.changes if c.revert_after is not None), default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one change of a plan ended."""

    number: int
    state: str
    """`mended`, `failed`, `refused`, `unknown` or `undone`."""
    says: str
