"""The facts that guards judge and the verdicts that they return. All facts are collected before any guard runs."""

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
    """A guard's answer with its reason: what was found, on which object, who holds it, what to do next."""

    guard: str
    answer: Answer
    says: str


NEW_PLAN = "Press Try again to request a new plan."
"""The next step when a plan can no longer be approved or carried out."""
AUTOMATIC = "firstmate"
"""The caller of a run that an alert opened."""
SHELL = "shell:"
"""Prefix of a caller who has a shell on the bot's own host; that shell is the proof of identity."""


def mention(user: str) -> str:
    """Returns a person as sentences name them: `<@U…>` for a Slack id, which Slack shows as a name, else unchanged."""
    return f"<@{user}>" if user[:1] in ("U", "W") and user.isalnum() else user


class Stage(StrEnum):
    """When the guards run: before a person is asked, and again just before the change."""

    BEFORE_ASKING = "before asking"
    BEFORE_CHANGE = "before the change"


@dataclass(frozen=True, slots=True)
class Halt:
    """A halt: no change is made within its scope."""

    by: str
    reason: str
    since: datetime
    scope: str = ""
    """'' for all changes, or `shard:NAME` or `action:NAME`."""
    by_file: bool = False
    """Whether a file on disk causes the halt, which nobody can lift from Slack."""

    def __str__(self) -> str:
        what = f"All changes of {self.scope.partition(':')[2]}" if self.scope else "All changes"
        return f"{what} have been halted by {mention(self.by)} since {self.since:%H:%M} UTC ({self.reason})."

    @property
    def lifted_by(self) -> str:
        """Returns the sentence that says how to lift it."""
        if self.by_file:
            return "Remove the file to lift it."
        return f"An admin lifts it with {f'/mate resume {self.scope}'.strip()}."


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze of the policy that applies to the shard now."""

    name: str
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Earlier:
    """A change that another run started before."""

    run: str
    action: str
    at: datetime
    until: datetime
    """When its cooldown ends."""


@dataclass(frozen=True, slots=True)
class Flapping:
    """The same action was used repeatedly in the shard, and the problem returned each time."""

    action: str
    times: int
    within: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Override:
    """A break-glass override: freeze and cooldown do not refuse this run; all other guards apply."""

    by: str
    reason: str
    at: datetime

    def __str__(self) -> str:
        return f"{mention(self.by)} overrides it ({self.reason})."


@dataclass(frozen=True, slots=True)
class Floor:
    """How many replicas of the shard serve, how many of them the plan takes out, and how many must stay."""

    serving: int
    taken_out: int
    least: int
    why: str
    """What requires them: the policy's serving floor, or the primary's semi-synchronous replication."""
    stranger: str = ""
    """Why the plan must not take out one of its servers: it is no replica of the shard; '' if all are."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The use of a budget of changes within one hour: by other runs so far, and by this plan."""

    what: str
    spent: int
    planned: int
    limit: int


@dataclass(frozen=True, slots=True)
class Radius:
    """How many replicas the shard has, how many the plan changes, and how many it may change."""

    replicas: int
    changed: int
    most: int


@dataclass(frozen=True, slots=True)
class Place:
    """The facts about one server that would be changed."""

    target: str
    inventory_role: Role | None
    server_role: Role | None
    server_says: str
    """How the role was read from the server, or why it could not be."""
    planned_server: str
    server: str
    """The server's identity now; `planned_server` is its identity when the plan was made."""
    check_says: str | None
    """Why the action's own check refused, or None when it passed."""
    may_change: bool
    """Whether a database user that may change it is configured."""
    doubts: str = ""
    """Why the inventory may be outdated; '' if it is fresh."""
    from_topology: bool = False
    """Whether the inventory's role comes from the topology of Vitess rather than from firstmate.yml."""
    disagreement: str = ""
    """How the inventory and the servers of the shard disagree about its primary, as sentences; '' if they agree."""
    kind_says: str = ""
    """Why the runbook may not change a server of this kind, as sentences; '' if it may."""


@dataclass(frozen=True, slots=True)
class Repair:
    """What the manager of a shard's topology is doing in the shard now."""

    by: str
    """VTOrc."""
    doing: str = ""
    """What it is repairing or about to repair; '' if nothing."""
    repaired: str = ""
    """What it repaired while a change waited for it, as a sentence."""
    over: bool = False
    """Whether a new primary has taken over, so that its remaining work concerns only the former primary."""
    unknown: str = ""
    """Why its work is unknown."""
    says: str = ""
    """Why it is doing nothing, as a sentence."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the guards judge; a fact that could not be collected is explained in its own sentence."""

    stage: Stage
    now: datetime
    halt: Halt | None
    caller: str
    """A user id, `firstmate` for an alert, or `shell:NAME`."""
    caller_may_ask: bool
    caller_says: str
    """The directory's sentence about the caller."""
    places: tuple[Place, ...]
    """The servers that would be changed."""
    shard: str
    holder: str | None
    """Another run that holds the lease of the shard."""
    holder_until: datetime | None
    autonomy: str
    """The autonomy of the runbook within the configuration's limit: `observe`, `suggest` or `auto`."""
    approvals_needed: int
    approvers: tuple[str, ...]
    """Users whose approvals count; see bot.guards.approver_eligibility."""
    discounted: tuple[str, ...]
    """Approvals that do not count, each with the reason."""
    denied_by: str | None
    expires_at: datetime | None
    approved_digest: str | None
    plan_digest: str
    frozen: Frozen | None
    earlier: Earlier | None
    """The latest change by the same action in the shard whose cooldown has not ended."""
    flapping: Flapping | None
    override: Override | None
    taken_by: str | None
    """Who works on the incident by hand."""
    budgets: tuple[Spent, ...]
    radius: Radius | None
    """None if it is unknown."""
    floor: Floor | None
    """None if the plan takes no replica out of service."""
    repair: Repair | None = None
    """None if no manager of the topology is configured."""
