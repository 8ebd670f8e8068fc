"""The policy: how much, how often and when Firstmate may change things. Frozen, read once from policy.yml.

Without a file the defaults hold: nothing runs by itself, and every change takes an approval.
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
from bot.runbook.language.document import MAX_BYTES, Document, decode, read
from bot.runbook.language.findings import MAX_LISTED, Finding, Problem, RunbookRefused
from bot.runbook.language.schema_validation import problems_of_validation

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; write it like Europe/Berlin or UTC") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class PolicyModel(BaseModel):
    """Base of every part: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True)


class Weekly(PolicyModel):
    """The same hours of every week; where `to` is not after `from`, they end on the next day."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    begins: time = Field(alias="from")
    ends: time = Field(alias="to")


class Freeze(PolicyModel):
    """A time in which nothing is changed: once, from a day to another, or every week."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    shards: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns of names of shards, with `*` and `?`."""
    zone: Zone = "UTC"
    begins: datetime | None = Field(default=None, alias="from")
    ends: datetime | None = Field(default=None, alias="to")
    weekly: Weekly | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Freeze:
        once = self.begins is not None and self.ends is not None
        if once == (self.weekly is not None) or (self.begins is None) != (self.ends is None):
            raise ValueError("a freeze has either `from` and `to`, or `weekly`")
        if self.begins is not None and self.ends is not None and self.at(self.ends) <= self.at(self.begins):
            raise ValueError("`to` must be after `from`")
        return self

    def at(self, moment: datetime) -> datetime:
        """A moment of the file; without an offset of its own it is of the freeze's zone."""
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(self.zone))

    def until(self, shard: str, now: datetime) -> datetime | None:
        """When it ends, where it holds for the shard now; else None."""
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
            # Compared in UTC: a night in which the clocks are changed has another length.
            if begins.astimezone(UTC) <= now.astimezone(UTC) < ends.astimezone(UTC):
                return ends
        return None


class Budgets(PolicyModel):
    """The most changes within an hour."""

    action: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Of one action, on the whole fleet."""
    shard: Annotated[int, Field(ge=0, le=10_000)] = 10
    """Of all actions in one shard."""
    fleet: Annotated[int, Field(ge=0, le=10_000)] = 30


class Blast(PolicyModel):
    """The most replicas of one shard that one plan may change; one is always allowed."""

    share: Annotated[float, Field(gt=0, le=100)] = 100.0
    """Percent of the shard's replicas."""
    replicas: Annotated[int, Field(ge=1, le=1000)] = 20


class BlastByRisk(PolicyModel):
    """The blast radius of plans by their risk."""

    reversible: Blast = Blast()
    disruptive: Blast = Blast(share=50.0, replicas=5)
    destructive: Blast = Blast(share=34.0, replicas=1)


class Flapping(PolicyModel):
    """How often the same action in the same shard may be needed before a person looks why."""

    times: Annotated[int, Field(ge=0, le=1000)] = 5
    """0 for no limit."""
    within: Annotated[float, BeforeValidator(units.seconds), Field(gt=0, le=7 * 86_400)] = 6 * 3600.0
    """Seconds."""


class Approvals(PolicyModel):
    """How many people must approve a plan, where firstmate.yml does not ask for more."""

    reversible: Annotated[int, Field(ge=1, le=5)] = 1
    disruptive: Annotated[int, Field(ge=1, le=5)] = 1
    destructive: Annotated[int, Field(ge=2, le=5)] = 2


class Policy(PolicyModel):
    """All of policy.yml."""

    freezes: Annotated[tuple[Freeze, ...], Field(max_length=200)] = ()
    cooldown: Annotated[float, BeforeValidator(units.seconds), Field(ge=0, le=86_400)] = 0.0
    """Seconds for which the same action is not made again in the same shard; an acknowledgement ends it."""
    flapping: Flapping = Flapping()
    """An acknowledgement begins the count again."""
    budgets: Budgets = Budgets()
    serving_floor: Annotated[int, Field(ge=0, le=1000)] = 1
    """Replicas of each shard that go on serving, whatever is changed."""
    blast: BlastByRisk = BlastByRisk()
    """By the risk of the plan."""
    approvals: Approvals = Approvals()

    def freeze(self, shard: str, now: datetime) -> tuple[Freeze, datetime] | None:
        """The freeze that holds the longest for this shard now, and its end."""
        held = [(until, each) for each in self.freezes if (until := each.until(shard, now)) is not None]
        longest = max(held, key=lambda pair: pair[0], default=None)
        return (longest[1], longest[0]) if longest else None

    def most_replicas(self, risk: str, of: int) -> int:
        """How many of a shard's replicas a plan of this risk may change."""
        limit: Blast = getattr(self.blast, risk)
        return max(1, min(limit.replicas, int(of * limit.share / 100)))


_MODELS: dict[str, type[BaseModel]] = {
    "freezes": Freeze,
    "weekly": Weekly,
    "budgets": Budgets,
    "flapping": Flapping,
    "blast": BlastByRisk,
    **dict.fromkeys(("reversible", "disruptive", "destructive"), Blast),
    "approvals": Approvals,
}
"""Key -> the model of what it holds."""


def load_policy(path: Path | None) -> Policy:
    """Reads the policy, or returns the default where no file is named; raises ConfigError with every place."""
    if path is None:
        return Policy()
    found = checked(read_policy(path))
    if isinstance(found, Policy):
        return found
    raise ConfigError("\n".join(map(str, found[:MAX_LISTED])))


def read_policy(path: Path) -> Document:
    """The document of a policy; raises ConfigError with the place that is not YAML."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        return read(decode(raw, str(path)), str(path))
    except OSError as error:
        raise ConfigError(f"The policy {path} cannot be read: {error}. Correct `policy` in firstmate.yml.") from error
    except RunbookRefused as refused:
        raise ConfigError(str(refused)) from refused


def checked(document: Document) -> Policy | list[Finding]:
    """The policy that a document holds, or everything in it that does not fit."""
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        says = "a policy is a mapping of keys: freezes, cooldown, budgets, blast, approvals"
        return [document.finding(Problem((), says, "wrong-value"))]
    try:
        return Policy.model_validate(value)
    except ValidationError as error:
        return [document.finding(each) for each in problems_of_validation(value, error.errors(), _MODELS, Policy)]
