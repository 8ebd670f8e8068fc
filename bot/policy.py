"""The policy: how much, how often and when Firstmate may change anything. Frozen, and read once from policy.yml.

Without a file the defaults apply.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bot.errors import ConfigError
from bot.runbook.language import units
from bot.runbook.language.findings import MAX_LISTED, Finding, Problem, RunbookRefused
from bot.runbook.language.positioned_document import MAX_BYTES, Document, decode, read
from bot.runbook.language.schema_validation import problems_of_validation

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; write it like Europe/Berlin or UTC") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class PolicyModel(BaseModel):
    """Base class of all parts: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True)


class Weekly(PolicyModel):
    """Hours that recur every week."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    """The days on which the hours begin."""
    begins: time = Field(alias="from")
    """The time of day at which they begin, such as '22:00'."""
    ends: time = Field(alias="to")
    """The time of day at which they end; a time that is not after `from` is on the next day."""


class Freeze(PolicyModel):
    """A period in which nothing is changed: either once, with `from` and `to`, or every week, with `weekly`."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    """The name of the freeze; unique in the policy."""
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    """Why nothing is changed; shown on the cards of the changes that the freeze refuses."""
    shards: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns of shard names that are frozen; `*` and `?` are wildcards."""
    zone: Zone = "UTC"
    """The time zone of `from`, `to` and `weekly`, such as Europe/Berlin; a date with a UTC offset keeps its own."""
    begins: datetime | None = Field(default=None, alias="from")
    """When the freeze begins, such as 2026-11-27T00:00."""
    ends: datetime | None = Field(default=None, alias="to")
    """When the freeze ends, such as 2026-11-30T00:00."""
    weekly: Weekly | None = None
    """The hours of every week in which the freeze applies, instead of `from` and `to`."""

    @model_validator(mode="after")
    def _has_one_kind_of_period(self) -> Freeze:
        once = self.begins is not None and self.ends is not None
        if once == (self.weekly is not None) or (self.begins is None) != (self.ends is None):
            raise ValueError("a freeze has either `from` and `to`, or `weekly`")
        if self.begins is not None and self.ends is not None and self.at(self.ends) <= self.at(self.begins):
            raise ValueError("`to` must be after `from`")
        return self

    def at(self, moment: datetime) -> datetime:
        """Returns a moment of the file with a time zone: its own UTC offset, else the freeze's zone."""
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(self.zone))

    def until(self, shard: str, now: datetime) -> datetime | None:
        """Returns when the freeze ends if it applies to the shard now, else None."""
        if not any(fnmatchcase(shard, pattern) for pattern in self.shards):
            return None
        if self.weekly is None:
            assert self.begins is not None
            assert self.ends is not None
            return self.at(self.ends) if self.at(self.begins) <= now < self.at(self.ends) else None
        return self._until_weekly(self.weekly, now.astimezone(ZoneInfo(self.zone)))

    def _until_weekly(self, weekly: Weekly, now: datetime) -> datetime | None:
        for ago in (0, 1):
            day = (now - timedelta(days=ago)).date()
            if DAYS[day.weekday()] not in weekly.days:
                continue
            zone = ZoneInfo(self.zone)
            begins = datetime.combine(day, weekly.begins, zone)
            last = day if weekly.ends > weekly.begins else day + timedelta(days=1)
            ends = datetime.combine(last, weekly.ends, zone)
            # Compared in UTC: a night with a change of daylight saving time is an hour longer or shorter.
            if begins.astimezone(UTC) <= now.astimezone(UTC) < ends.astimezone(UTC):
                return ends
        return None


class Budgets(PolicyModel):
    """The most changes within one hour."""

    action: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Changes by one action, on the whole fleet; 0 allows none, unlike in `flapping`."""
    shard: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Changes in one shard, by all actions; 0 allows none, unlike in `flapping`."""
    fleet: Annotated[int, Field(ge=0, le=10_000)] = 30
    """Changes on the whole fleet, by all actions; 0 allows none, unlike in `flapping`."""


class BlastRadiusLimit(PolicyModel):
    """The most replicas of one shard that one plan may change: the smaller of the two limits, and at least one."""

    share: Annotated[float, Field(gt=0, le=100)] = 100.0
    """Percentage of the shard's replicas, rounded down."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 20
    """Number of replicas."""


class BlastRadiusByRisk(PolicyModel):
    """The blast radius of a plan, by its risk."""

    reversible: BlastRadiusLimit = BlastRadiusLimit()
    """Limits of plans of risk `reversible`, which Undo can revert."""
    disruptive: BlastRadiusLimit = BlastRadiusLimit(share=50.0, replicas=5)
    """Limits of plans of risk `disruptive`, which clients or replicas may notice."""
    destructive: BlastRadiusLimit = BlastRadiusLimit(share=34.0, replicas=1)
    """Limits of plans of risk `destructive`, which cannot be reverted."""


class FlappingLimit(PolicyModel):
    """How often the same action may run in the same shard before a person must investigate why it recurs."""

    times: Annotated[int, Field(ge=0, le=1000)] = 5
    """Number of times after which the action is refused in the shard. 0 sets no limit, unlike in `budgets`, where it
    allows nothing."""
    within: Annotated[float, BeforeValidator(units.seconds), Field(gt=0, le=7 * 86_400)] = 6 * 3600.0
    """The period in which the times are counted: seconds, or a duration such as 6h."""


class ApprovalsByRisk(PolicyModel):
    """How many people must approve a plan, by its risk, if neither the runbook nor firstmate.yml asks for more."""

    reversible: Annotated[int, Field(ge=1, le=5)] = 1
    """Approvals of a reversible plan, which Undo can revert."""
    disruptive: Annotated[int, Field(ge=1, le=5)] = 1
    """Approvals of a disruptive plan, which clients or replicas may notice."""
    destructive: Annotated[int, Field(ge=2, le=5)] = 2
    """Approvals of a destructive plan, which cannot be reverted."""


class Policy(PolicyModel):
    """The content of policy.yml."""

    freezes: Annotated[tuple[Freeze, ...], Field(max_length=200)] = ()
    """Periods in which nothing is changed."""
    cooldown: Annotated[float, BeforeValidator(units.seconds), Field(ge=0, le=86_400)] = 0.0
    """How long the same action is refused in the same shard after a change: seconds, or a duration such as 15m.
    `/mate ack SHARD` ends it."""
    flapping: FlappingLimit = FlappingLimit()
    """How often the same action may run in the same shard; `/mate ack SHARD` resets the count."""
    budgets: Budgets = Budgets()
    """The most changes within one hour."""
    serving_floor: Annotated[int, Field(ge=0, le=1000)] = 1
    """The number of replicas of each shard that must stay in service during a change; never fewer than semi-synchronous
    replication waits for."""
    blast: BlastRadiusByRisk = BlastRadiusByRisk()
    """The most replicas of one shard that one plan may change, by the risk of the plan."""
    approvals: ApprovalsByRisk = ApprovalsByRisk()
    """How many people must approve a plan, by its risk."""

    def freeze(self, shard: str, now: datetime) -> tuple[Freeze, datetime] | None:
        """Returns the freeze that applies to the shard now and ends last, with its end; None without one."""
        held = [(until, each) for each in self.freezes if (until := each.until(shard, now)) is not None]
        longest = max(held, key=lambda pair: pair[0], default=None)
        return (longest[1], longest[0]) if longest else None

    def most_replicas(self, risk: str, of: int) -> int:
        """Returns how many of a shard's `of` replicas a plan of this risk may change."""
        limit: BlastRadiusLimit = getattr(self.blast, risk)
        return max(1, min(limit.replicas, int(of * limit.share / 100)))


_MODELS: dict[str, type[BaseModel]] = {
    "freezes": Freeze,
    "weekly": Weekly,
    "budgets": Budgets,
    "flapping": FlappingLimit,
    "blast": BlastRadiusByRisk,
    **dict.fromkeys(("reversible", "disruptive", "destructive"), BlastRadiusLimit),
    "approvals": ApprovalsByRisk,
}
"""Key of policy.yml -> the model of its value."""


def load_policy(path: Path | None) -> Policy:
    """Reads policy.yml, or returns the defaults without a path; raises ConfigError that lists every problem."""
    if path is None:
        return Policy()
    found = checked(read_policy(path))
    if isinstance(found, Policy):
        return found
    raise ConfigError("\n".join(map(str, found[:MAX_LISTED])))


def read_policy(path: Path) -> Document:
    """Reads a policy as a YAML document; raises ConfigError with the position of a syntax error."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return read(decode(raw, str(path)), str(path))
    except OSError as error:
        raise ConfigError(
            f"The policy {path} cannot be read: {error.strerror}. Correct `policy` in firstmate.yml."
        ) from error
    except RunbookRefused as refused:
        raise ConfigError(str(refused)) from refused


def checked(document: Document) -> Policy | list[Finding]:
    """Returns the policy of a document, or all findings of its validation."""
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        says = "a policy is a mapping of keys: freezes, cooldown, budgets, blast, approvals"
        return [document.finding(Problem((), says, "wrong-value"))]
    try:
        return Policy.model_validate(value)
    except ValidationError as error:
        return [document.finding(each) for each in problems_of_validation(value, error.errors(), _MODELS, Policy)]
