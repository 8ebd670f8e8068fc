"""What a run is, and how it may move: records only, no I/O.

A run is one execution of a runbook. Everything that a card shows is derived from these records, so the cards can be
drawn again after a crash from what is stored.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from bot.alerts import Alert
from bot.guards.facts import Override, Verdict
from bot.runbook.schema import Autonomy, Scope


class RunState(StrEnum):
    """Where a run stands; the ended ones never change again, except that a mended one may be undone."""

    TRIAGING = "triaging"
    WAITING = "waiting"  # for an approval; a row with a deadline
    APPROVED = "approved"  # the change is queued
    CHANGING = "changing"  # the intent is recorded
    PAUSED = "paused"  # between two turns of a change; a row with a deadline
    DIAGNOSED = "diagnosed"  # ended: a cause is named or none was found, and nothing is offered
    REFUSED = "refused"  # ended: a guard said no
    DENIED = "denied"  # ended: a person said no
    EXPIRED = "expired"  # ended: nobody approved in time
    RESOLVED = "resolved"  # ended: the alert resolved before anybody approved
    MENDED = "mended"  # ended: changed and verified
    FAILED = "failed"  # ended: the change or its verification failed
    UNKNOWN = "unknown"  # ended: the change was begun when the bot died; verified, never repeated
    UNDONE = "undone"  # ended: changed, then restored

    @property
    def ended(self) -> bool:
        return self not in _UNDER_WAY


_UNDER_WAY = frozenset({RunState.TRIAGING, RunState.WAITING, RunState.APPROVED, RunState.CHANGING, RunState.PAUSED})


class StepStatus(StrEnum):
    """How a gather step went."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One gather step; `evidence` is JSON: the diagnostic's dataclass, or a list of them for several instances."""

    id: str
    use: str
    on: str
    status: StepStatus = StepStatus.PENDING
    says: str = ""
    """Why it failed or was skipped."""
    took: float = 0.0
    """Seconds."""
    evidence: Any = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What the evidence says of one cause of the runbook."""

    id: str
    verdict: str
    """`holds`, `no`, or `undecided` when evidence is missing."""
    says: str
    remedies: tuple[str, ...] = ()
    """What it offers, the best first."""


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


@dataclass(frozen=True, slots=True)
class Takeover:
    """Somebody works on it, and for how long the source of the alert is silent meanwhile."""

    user: str
    since: datetime
    silence: str = ""
    """The silence's id, or '' where there is none."""
    until: datetime | None = None
    says: str = ""
    """Why there is no silence, where there should be one."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Somebody holds a change up before its next turn: for a while, or for good."""

    kind: Literal["pause", "stop"]
    user: str
    at: datetime
    until: datetime | None = None
    """When a pause ends by itself, which stops the change."""


class Choice(StrEnum):
    """What a person decided on a plan."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's decision on one digest."""

    user: str
    choice: Choice
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a run's timeline, for people."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a runbook."""

    id: str
    incident: str
    channel: str
    state: RunState
    opened_at: datetime
    alert: Alert | None
    requester: str
    """A user id, or `firstmate` when an alert began it."""
    runbook: str
    """Name of the runbook, or '' when none answers the alert."""
    runbook_digest: str
    runbook_text: str
    """The snapshot: a reload never changes a run that is under way."""
    title: str
    target: str
    """Name of the instance, or '' when the inventory does not know it."""
    shard: str
    autonomy: Autonomy = "suggest"
    """How far the runbook may go by itself."""
    matched: str = ""
    """The matcher that chose the runbook."""
    steps: tuple[Step, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    """What one looks at first, as label and text."""
    causes: tuple[Cause, ...] = ()
    plan: Plan | None = None
    """The change that is offered, or the one that was approved."""
    alternatives: tuple[Plan, ...] = ()
    """Other changes that would mend it too; approving one of them makes it the plan."""
    verdicts: tuple[Verdict, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    """How the changes of the plan ended, as far as they have."""
    decisions: tuple[Decision, ...] = ()
    approvals_needed: int = 1
    expires_at: datetime | None = None
    says: str = ""
    """The sentence of the present state: why refused, how verified, what to do next."""
    revert_at: datetime | None = None
    timeline: tuple[Event, ...] = ()
    resolved_at: datetime | None = None
    """When the alert resolved."""
    overrides: dict[str, Any] = field(default_factory=dict)
    """Inputs given by a person instead of an alert."""
    notes: str = ""
    """What the runbook says to people: when not to act."""
    links: tuple[tuple[str, str], ...] = ()
    """Title and address of what the runbook leads people to."""
    only: tuple[str, ...] = ()
    """Where a change is tried again: the targets that are left of it; without any, all of them."""
    hold: Hold | None = None
    """Who holds the change up; only `Store.hold` changes this."""
    override: Override | None = None
    """Who broke the glass for this run, and why."""
    taken: Takeover | None = None
    """Who works on it; only `Store.take` changes this."""
    joined: tuple[str, ...] = ()
    """Names of other alerts of the trouble that came while it was under way; only `Store.receive` changes this."""
    thread: str = ""
    """The run whose card begins the incident's thread; '' where this one's does."""
    loud: bool = False
    """Whether the channel is told, too, where the card stands in a thread."""
    scope: Scope = "instance"
    """Of what the incident is one: of an instance, or of its whole shard."""
    repair_within: float = 30.0
    """Seconds that the manager of the shard's topology has for a repair of its own before anything is offered."""

    @property
    def root(self) -> str:
        """The run whose card begins the thread."""
        return self.thread or self.id

    @property
    def place(self) -> str:
        """What the incident is about, in a word."""
        return self.shard if self.scope == "shard" else self.target

    @property
    def lead(self) -> Cause | None:
        """The first cause that holds."""
        return next((cause for cause in self.causes if cause.verdict == "holds"), None)

    def ending(self, state: RunState, says: str, at: datetime) -> Run:
        """The run as it ends, with the sentence as the last line of its timeline; nothing is stored."""
        return replace(self, state=state, says=says, timeline=(*self.timeline, Event(at, says)))

    def offered(self, digest: str) -> Plan | None:
        """The plan of this digest, among those that are offered."""
        plans = (*((self.plan,) if self.plan else ()), *self.alternatives)
        return next((plan for plan in plans if plan.digest == digest), None)
