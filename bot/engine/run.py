"""What a run is, and how it may move: records only, no I/O.

A run is one execution of a runbook. Everything that a card shows is derived from these records, so the cards can be
drawn again after a crash from what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from bot.alerts import Alert
from bot.engine.plan import Outcome, Plan
from bot.guards.facts import Override, Verdict
from bot.runbook.language.schema import Autonomy, Scope


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
class Assignment:
    """Somebody works on it, and for how long the source of the alert is silent meanwhile."""

    user: str
    since: datetime
    silence: str = ""
    """The silence's id, or '' where there is none."""
    until: datetime | None = None
    says: str = ""
    """Why there is no silence, where there should be one."""


@dataclass(frozen=True, slots=True)
class PauseRequest:
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
    hold: PauseRequest | None = None
    """Who holds the change up; only `Store.hold` changes this."""
    override: Override | None = None
    """Who broke the glass for this run, and why."""
    taken: Assignment | None = None
    """Who works on it; only `Store.take` changes this."""
    repaired: str = ""
    """What the manager of the shard's topology repaired meanwhile, as a sentence, where a second look follows."""
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
