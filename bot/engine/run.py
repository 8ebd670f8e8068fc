"""The records of a run and its states; no I/O.

A run is one execution of a runbook. Everything that a card shows is derived from these records, so the cards can be
drawn again after a crash from what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from bot.alerts import Alert
from bot.engine.found_causes import Answer, HandOver, RunbookCopy
from bot.engine.found_causes import Cause as Cause
from bot.engine.plan import Outcome, Plan
from bot.guards.facts import Override, Verdict
from bot.incidents.seen_before import SeenBefore
from bot.runbook.language.kinds import Kind, KnownKinds
from bot.runbook.language.schema import Autonomy, Scope


class RunState(StrEnum):
    """The state of a run. An ended run never changes again, except that one whose changes stand may be undone."""

    TRIAGING = "triaging"
    WAITING = "waiting"  # for an approval; a row with a deadline
    APPROVED = "approved"  # the change is queued
    CHANGING = "changing"  # the intent is recorded
    PAUSED = "paused"  # between two batches of a change; a row with a deadline
    WATCHING = "watching"  # the changes are made and verified; whether they helped is being checked
    DIAGNOSED = "diagnosed"  # ended: a cause is named or none was found, and nothing is offered
    REFUSED = "refused"  # ended: a guard said no
    DENIED = "denied"  # ended: a person said no
    EXPIRED = "expired"  # ended: nobody approved in time
    RESOLVED = "resolved"  # ended: the alert resolved before anybody approved
    MENDED = "mended"  # ended: the change was made and verified, and it helped
    PARTLY_HELPED = "part_helped"  # ended: the cause is gone, and another cause of the same alert holds
    NOT_HELPED = "not_helped"  # ended: the change was made and verified, and it did not help
    FAILED = "failed"  # ended: the change or its verification failed
    UNKNOWN = "unknown"  # ended: the bot died during the change, or it is not known whether the change helped
    UNDONE = "undone"  # ended: changed, then restored

    @property
    def ended(self) -> bool:
        return self not in _UNDER_WAY

    @property
    def label(self) -> str:
        """The name of the state for people: the same on cards, in replies and in the output of commands."""
        return _LABELS[self]


_UNDER_WAY = frozenset(
    {
        RunState.TRIAGING,
        RunState.WAITING,
        RunState.APPROVED,
        RunState.CHANGING,
        RunState.PAUSED,
        RunState.WATCHING,
    }
)
_LABELS = {
    RunState.TRIAGING: "Investigating",
    RunState.WAITING: "Waiting for approval",
    RunState.APPROVED: "Approved",
    RunState.CHANGING: "Change in progress",
    RunState.PAUSED: "Paused",
    RunState.WATCHING: "Done; watching whether it helped",
    RunState.DIAGNOSED: "Diagnosed",
    RunState.REFUSED: "Not changed",
    RunState.DENIED: "Denied",
    RunState.EXPIRED: "Expired",
    RunState.RESOLVED: "Resolved without a change",
    RunState.MENDED: "Fixed and verified",
    RunState.PARTLY_HELPED: "Done, but the trouble is not over",
    RunState.NOT_HELPED: "Done, but it did not help",
    RunState.FAILED: "Failed",
    RunState.UNKNOWN: "Outcome unknown: check the server",
    RunState.UNDONE: "Undone",
}


class StepStatus(StrEnum):
    """The status of a gather step."""

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


class Helped(StrEnum):
    """Whether the changes of a run have helped."""

    PENDING = "pending"
    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Effect:
    """What the checks after the changes of a run have found so far."""

    cause: str
    """The id of the cause that the remedy was offered for."""
    helped: Helped = Helped.PENDING
    done: str = ""
    """The sentence of the verified changes."""
    since: datetime | None = None
    """When the changes were verified; None until then."""
    until: datetime | None = None
    """When it is known at the latest."""
    gone_since: datetime | None = None
    """Since when the cause has been gone; None while it holds."""
    holds: str = ""
    """What held at the last check that could be decided: the cause, or another cause of the alert if it helped partly;
    '' if nothing did."""
    missing: str = ""
    """Why the last check could not be decided; '' if it could."""
    now: tuple[Cause, ...] = ()
    """The causes that hold after the changes, in the order of the runbook."""
    before: dict[str, Any] = field(default_factory=dict)
    """Evidence from just before the changes as JSON, by step; only what the condition compares."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A person who works on the incident, and the silence of its alert meanwhile."""

    user: str
    since: datetime
    silence: str = ""
    """The silence's id, or ''."""
    until: datetime | None = None
    says: str = ""
    """Why there is no silence although the runbook asks for one."""


@dataclass(frozen=True, slots=True)
class PauseRequest:
    """A request to pause or stop a change before its next batch."""

    kind: Literal["pause", "stop"]
    user: str
    at: datetime
    until: datetime | None = None
    """The deadline of a pause; after it the change is stopped."""


class Choice(StrEnum):
    """A person's decision on a plan."""

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
    """One line of a run's timeline."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a runbook."""

    # Stored documents have the key `hold`.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(serialize_by_alias=True)

    id: str
    incident: str
    channel: str
    state: RunState
    opened_at: datetime
    alert: Alert | None
    requester: str
    """A user id, or `firstmate` for a run that an alert started."""
    runbook: str
    """Name of the runbook, or '' when none matches the alert."""
    runbook_digest: str
    runbook_text: str
    """A copy of the runbook, so that a reload does not change a run under way."""
    title: str
    target: str
    """Name of the instance, or '' when it is not in the inventory."""
    shard: str
    autonomy: Autonomy = "suggest"
    """How far the runbook may go without a person."""
    matched: str = ""
    """The matcher that chose the runbook."""
    steps: tuple[Step, ...] = ()
    shown: tuple[tuple[str, str], ...] = ()
    """The first facts on the card, as label and text."""
    causes: tuple[Cause, ...] = ()
    handed_over: HandOver | None = None
    """The cause of an earlier runbook that the run went on from; its runbook is then the other one."""
    rivals: tuple[RunbookCopy, ...] = ()
    """The runbooks that match the alert equally well, until it is known which of them leads."""
    answers: tuple[Answer, ...] = ()
    """What those of them found that do not lead."""
    plan: Plan | None = None
    """The change that is offered, or the one that was approved."""
    alternatives: tuple[Plan, ...] = ()
    """Alternative plans; approving one of them makes it the plan."""
    verdicts: tuple[Verdict, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    """The outcomes of the changes that have ended."""
    effect: Effect | None = None
    """Whether the changes helped; None before the changes, and if no cause of the runbook offered them."""
    decisions: tuple[Decision, ...] = ()
    approvals_needed: int = 1
    expires_at: datetime | None = None
    says: str = ""
    """The sentence on the current state: why refused, how verified, what to do next."""
    revert_at: datetime | None = None
    timeline: tuple[Event, ...] = ()
    resolved_at: datetime | None = None
    """When the alert resolved."""
    overrides: dict[str, Any] = field(default_factory=dict)
    """Inputs given by a person instead of an alert."""
    notes: str = ""
    """The runbook's notes for people."""
    links: tuple[tuple[str, str], ...] = ()
    """Titles and URLs of the runbook's links."""
    only: tuple[str, ...] = ()
    """In a retry, the targets on which the change was not made; empty for all targets."""
    pause_request: Annotated[PauseRequest | None, Field(alias="hold")] = None
    """Who asked for a pause or a stop before the next batch; only `Store.request_pause` changes this."""
    override: Override | None = None
    """Who used break-glass for this run, and why."""
    taken: Assignment | None = None
    """Who works on it; only `Store.take` changes this."""
    repaired: str = ""
    """The repair by VTOrc before a second assessment, as a sentence, or ''."""
    joined: tuple[str, ...] = ()
    """Names of other alerts that joined the run while it was under way; only `Store.receive` changes this."""
    thread: str = ""
    """The run whose card starts the incident's thread; '' if it is this one."""
    loud: bool = False
    """Whether a card in a thread is also sent to the channel."""
    scope: Scope = "instance"
    """Whether the incident is about an instance or about its whole shard."""
    repair_within: float = 30.0
    """Seconds that VTOrc has for a repair before a remedy is offered."""

    speaks_for: tuple[Kind, ...] | None = None
    """The kinds of servers for which the runbook speaks; None if it names none."""
    kind: KnownKinds | None = None
    """What kind of server the target is; None until that was asked, and without a target."""
    seen_before: SeenBefore | None = None
    """What is known of the leading cause from earlier runs; None if it leads for the first time."""

    @property
    def root(self) -> str:
        """The run whose card starts the thread."""
        return self.thread or self.id

    @property
    def place(self) -> str:
        """The name of the shard or instance that the incident is about."""
        return self.shard if self.scope == "shard" else self.target

    @property
    def lead(self) -> Cause | None:
        """The first cause that holds."""
        return next((cause for cause in self.causes if cause.verdict == "holds"), None)

    @property
    def led_by(self) -> str:
        """The runbook and the leading cause, as the store finds runs by them; '' if no cause leads."""
        return f"{self.runbook}:{self.lead.id}"[:200] if self.lead is not None else ""

    @property
    def stands(self) -> bool:
        """Whether all its changes were made and verified and are in effect, whether they helped or not."""
        if self.state is RunState.UNKNOWN:
            return self.effect is not None and self.effect.helped is Helped.UNKNOWN
        return self.state in (RunState.WATCHING, RunState.MENDED, RunState.PARTLY_HELPED, RunState.NOT_HELPED)

    @property
    def state_says(self) -> str:
        """`its state is "Failed". It is still stopped.`: the state, and the sentence of a run that has ended."""
        return f'its state is "{self.state.label}". {self.says if self.state.ended else ""}'.strip()

    def ending(self, state: RunState, says: str, at: datetime) -> Run:
        """Returns the ended run, with the sentence as the last event of its timeline; stores nothing."""
        return replace(self, state=state, says=says, timeline=(*self.timeline, Event(at, says)))

    def offered(self, digest: str) -> Plan | None:
        """Returns the offered plan with this digest, or None."""
        plans = (*((self.plan,) if self.plan else ()), *self.alternatives)
        return next((plan for plan in plans if plan.digest == digest), None)
