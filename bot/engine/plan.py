"""The plan of a remedy, with the digest that people approve, and the outcome of each change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One action on one target, with its exact statements."""

    wave: int
    """The number of its batch, from 0. A batch is made, then verified, before the next one starts.

    Stored plans and JSON output have this key.
    """
    action: str
    parameters: dict[str, Any]
    target: str
    address: str
    server: str
    """The server's identity (server_uuid); a different server at this address voids the plan."""
    statements: tuple[str, ...]
    undo: tuple[str, ...]
    undo_says: str
    """How it is undone, or why it cannot be."""
    risk: str
    revert_after: float | None = None
    """Seconds until the change is undone automatically."""
    cost: str = ""
    """What the change costs the server, as of the time of planning; '' for nothing."""
    follows: bool = False
    """Whether another change precedes it on its target. Then its precondition is checked and its undo is planned only
    after that change was made."""


def _undo(change: Change) -> tuple[str, ...]:
    """The approved undo statements; those of a change that follows another one are not known yet."""
    return () if change.follows else change.undo


RISKS = ("reversible", "disruptive", "destructive")


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of a remedy; people approve its digest."""

    remedy: str
    title: str
    changes: tuple[Change, ...]
    blast_radius: str
    on_failure: str = "stop"
    """`stop`, `undo` or `continue`."""
    error_budget: int = 0
    """With `continue`, the number of changes that may fail before no further change is started."""

    @property
    def digest(self) -> str:
        """SHA-256 of everything that determines the changes, as 64 hexadecimal digits."""
        parts: list[Any] = [self.on_failure, *([self.error_budget] if self.error_budget else [])]
        parts += [
            (c.wave, c.action, c.parameters, c.target, c.address, c.server, c.statements, c.revert_after, _undo(c))
            for c in self.changes
        ]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def batches(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the changes, by batch."""
        batches = sorted({change.wave for change in self.changes})
        return tuple(tuple(n for n, change in enumerate(self.changes) if change.wave == batch) for batch in batches)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the instances, in the order of their changes."""
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
        """Every undo statement, the last change first."""
        return tuple(text for change in reversed(self.changes) for text in change.undo)

    @property
    def undo_says(self) -> str:
        """How it is undone, or why it cannot be."""
        return " ".join(dict.fromkeys(change.undo_says for change in self.changes))

    @property
    def cost(self) -> str:
        """What the changes cost the servers."""
        return " ".join(dict.fromkeys(change.cost for change in self.changes if change.cost))

    @property
    def risk(self) -> str:
        """The highest risk of the changes."""
        return max((change.risk for change in self.changes), key=RISKS.index, default=RISKS[0])

    @property
    def revert_after(self) -> float | None:
        """Seconds until the first of the changes is undone automatically."""
        return min((c.revert_after for c in self.changes if c.revert_after is not None), default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one change of a plan."""

    number: int
    state: str
    """`mended`, `failed`, `refused`, `unknown` or `undone`."""
    says: str
