"""What guards judge by, and what they answer. All facts are collected before any guard is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.config import Role


class Answer(StrEnum):
    """A guard's answer."""

    PASS = "pass"  # noqa: S105 - not a password
    ASK = "ask"  # an approval is needed and not complete
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A guard's answer with its own reason: what was found, on which object, who holds it, what to do next."""

    guard: str
    answer: Answer
    says: str


AUTOMATIC = "firstmate"
"""The caller of a run that an alert began."""
SHELL = "shell:"
"""Prefix of a caller who has a shell on the bot's own host; that shell is the proof of identity."""


def mention(user: str) -> str:
    """A person as a sentence names them: `<@U…>` for Slack's ids, which the thread shows as a name, else as it is."""
    return f"<@{user}>" if user[:1] in ("U", "W") and user.isalnum() else user


class Stage(StrEnum):
    """When the guards are asked: before a person is asked, and again just before the change."""

    BEFORE_ASKING = "before asking"
    BEFORE_CHANGE = "before the change"


@dataclass(frozen=True, slots=True)
class Halt:
    """The halt switch is on."""

    by: str
    reason: str
    since: datetime
    scope: str = ""
    """'' for everything, else `shard:NAME` or `action:NAME`."""
    by_file: bool = False
    """Whether a file on disk holds it, and nobody in Slack can lift it."""

    def __str__(self) -> str:
        what = f"All changes of {self.scope.partition(':')[2]}" if self.scope else "All changes"
        return f"{what} are halted by {mention(self.by)} since {self.since:%H:%M} UTC ({self.reason})."

    @property
    def lifted_by(self) -> str:
        """What lifts it."""
        if self.by_file:
            return "Remove the file to lift it."
        return f"An admin lifts it with {f'/mate resume {self.scope}'.strip()}."


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze holds for the shard."""

    name: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Earlier:
    """A change that another run began before."""

    run: str
    action: str
    at: datetime
    until: datetime
    """When its cooldown ends."""


@dataclass(frozen=True, slots=True)
class Flapping:
    """The same action was made in the shard again and again, and the trouble came back each time."""

    action: str
    times: int
    within: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody broke the glass: freeze and cooldown do not stop this run, every other guard does."""

    by: str
    reason: str
    at: datetime

    def __str__(self) -> str:
        return f"{mention(self.by)} overrides it ({self.reason})."


@dataclass(frozen=True, slots=True)
class Floor:
    """Replicas of the shard that serve, how many of them the plan takes out, and how many must stay."""

    serving: int
    taken_out: int
    least: int
    why: str
    """What asks for them: the policy's serving floor, or the primary's semi-synchronous replication."""
    stranger: str = ""
    """Why a server that the plan takes out must not be, as it is no replica of the shard; '' where there is none."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How much of a budget of changes within an hour is spent by other runs, and how much this plan would take."""

    what: str
    spent: int
    planned: int
    limit: int


@dataclass(frozen=True, slots=True)
class Radius:
    """Replicas of the shard: how many there are, how many the plan changes, and how many it may."""

    replicas: int
    changed: int
    most: int


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of one server that would be changed."""

    target: str
    inventory_role: Role | None
    server_role: Role | None
    server_says: str
    """How the role was read from the server, or why it could not be."""
    planned_server: str
    server: str
    """The server's identity when planned and now."""
    check_says: str | None
    """Why the action's own check refused, or None when it passed."""
    may_change: bool
    """Whether a user is configured that may change it."""
    doubts: str = ""
    """Why the inventory may be wrong by now; '' where it is fresh."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What the manager of a shard's topology does there now."""

    by: str
    """VTOrc."""
    doing: str = ""
    """What it is repairing, or about to; '' where it does nothing."""
    repaired: str = ""
    """What it repaired while a change waited for it, as a sentence."""
    over: bool = False
    """Whether a new primary took over, and what it does still concerns the tablet that was the primary alone."""
    unknown: str = ""
    """Why it cannot be told."""
    says: str = ""
    """Why it does nothing, as a sentence."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the guards may look at; a fact that could not be had is said in its own sentence."""

    stage: Stage
    now: datetime
    halt: Halt | None
    caller: str
    """A user id, `firstmate` for an alert, or `shell:NAME`."""
    caller_may_ask: bool
    caller_says: str
    """What the directory said of the caller, for the sentence."""
    places: tuple[Place, ...]
    """The servers that would be changed."""
    shard: str
    holder: str | None
    """The run that holds the shard, when it is not this one."""
    holder_until: datetime | None
    autonomy: str
    """How far the runbook may go, with the configuration's limit: `observe`, `suggest` or `auto`."""
    approvals_needed: int
    approvers: tuple[str, ...]
    """Users whose approvals count: they hold the role still, and are not the requester."""
    discounted: tuple[str, ...]
    """Approvals that do not count, each with the reason."""
    denied_by: str | None
    expires_at: datetime | None
    approved_digest: str | None
    plan_digest: str
    frozen: Frozen | None
    earlier: Earlier | None
    """The last change of the same action in the shard whose cooldown has not ended."""
    flapping: Flapping | None
    override: Override | None
    taken_by: str | None
    """Who works on the incident by hand."""
    budgets: tuple[Spent, ...]
    radius: Radius | None
    """None where it cannot be told."""
    floor: Floor | None
    """None where the plan takes no replica out of service."""
    repair: Repair | None = None
    """None where nobody manages the topology."""
