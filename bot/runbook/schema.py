"""What a runbook file may say, as frozen models; unknown keys are errors.

The models hold what one can tell from the file alone. What an action takes and returns is held against the catalog in
`bot.runbook.check`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)

from bot.alerts import Matcher
from bot.runbook import units
from bot.runbook.matchers import entry

Where: TypeAlias = Literal["target", "primary", "replicas"]
Autonomy: TypeAlias = Literal["observe", "suggest", "auto"]
InputType: TypeAlias = Literal[
    "seconds", "bytes", "percent", "count", "number", "boolean", "text", "instance", "shard", "user", "digest", "choice"
]

STEP_TIMEOUT = 3.0
"""Seconds that one gather step may take, unless it says otherwise."""
NAMES = r"^[a-z][a-z0-9_]{0,39}$"
RESERVED = frozenset({"inputs", "labels", "target", "true", "false", "none", "not", "and", "or", "in", "is", "if"})


def _name(value: str) -> str:
    if value in RESERVED:
        raise ValueError(f"{value!r} has a meaning of its own in expressions; choose another name")
    return value


Name: TypeAlias = Annotated[str, Field(pattern=NAMES), AfterValidator(_name)]
Duration: TypeAlias = Annotated[float, BeforeValidator(units.seconds), Field(gt=0, le=86400)]
Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Template: TypeAlias = Annotated[str, Field(min_length=1, max_length=2000)]
Parameters: TypeAlias = Mapping[str, Any]


class Part(BaseModel):
    """Base of every part: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Input(Part):
    """A value that a runbook needs: from a label of the alert, from a person, or its default."""

    type: InputType
    default: Any = None
    label: str | None = None
    """The label of the alert that gives the value."""
    choices: tuple[str, ...] = ()
    says: Line | None = None
    """What the value means, for people."""

    @model_validator(mode="after")
    def _choices_belong_to_choice(self) -> Input:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("an input of the type `choice`, and no other, lists its `choices`")
        return self


class GatherStep(Part):
    """One question to the fleet."""

    use: str
    """Name of a diagnostic in the catalog, e.g. mysql.replica_status."""
    on: Where = "target"
    parameters: Parameters = Field(default_factory=dict, alias="with")
    when: Template | None = None
    """The step runs only where this expression holds."""
    timeout: Annotated[Duration, Field(le=30)] = STEP_TIMEOUT
    """Seconds."""
    retries: int = Field(default=0, ge=0, le=3)


class Cause(Part):
    """A rule over the evidence, with a sentence for a person and, where there is one, a remedy."""

    id: Name
    when: Template
    says: Template
    remedy: Name | None = None
    unless: tuple[Name, ...] = ()
    """Causes before this one; where one of them holds, this one does not: the general after the particular."""


class Remedy(Part):
    """One change that mends a cause."""

    use: str
    """Name of a remediation in the catalog, e.g. mysql.start_replica."""
    title: Line | None = None
    on: Literal["target"] = "target"
    """Where the change is made: on the server that the run is about, and nowhere else so far."""
    parameters: Parameters = Field(default_factory=dict, alias="with")


class Expect(Part):
    """What a test expects: the cause that leads and its remedy; null for neither."""

    cause: str | None = None
    remedy: str | None = None
    causes: tuple[str, ...] | None = None
    """All causes that hold, in order."""
    undecided: tuple[str, ...] | None = None
    """All causes that cannot be told because evidence is missing."""
    says: str | None = None
    """Text that the leading sentence holds."""
    parameters: Parameters | None = Field(default=None, alias="with")
    """Parameters of the remedy, those that matter."""


class Test(Part):
    """Evidence and what it must lead to; fields that are not given hold their types' defaults."""

    name: Line | None = None
    given: Mapping[str, Any] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Steps that failed."""
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    expect: Expect


class Link(Part):
    """Where a person reads on."""

    title: Line
    url: Annotated[str, Field(pattern=r"^https?://[^\s<>|]+$", max_length=500)]


def _short_step(value: object) -> object:
    """`replica: mysql.replica_status` is short for `replica: {use: mysql.replica_status}`."""
    return {"use": value} if isinstance(value, str) else value


Step: TypeAlias = Annotated[GatherStep, BeforeValidator(_short_step)]


def _parses(value: object) -> object:
    """Refuses what is no alternative, at its own line."""
    entry(value)
    return value


Alternative: TypeAlias = Annotated[Any, AfterValidator(_parses)]


class Runbook(Part):
    """A whole runbook."""

    runbook: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*$", max_length=100)]
    """Its name, which is its path below the folder of runbooks."""
    title: Line
    owner: Line
    match: tuple[Alternative, ...] = ()
    """Alternatives; each is one matcher, several with commas between, or a list of them."""
    inputs: Mapping[Name, Input] = Field(default_factory=dict)
    gather: Mapping[Name, Step] = Field(min_length=1)
    causes: tuple[Cause, ...] = ()
    remedies: Mapping[Name, Remedy] = Field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    notes: Annotated[str, Field(max_length=4000)] | None = None
    """For people: when not to act, and what this runbook does not see."""
    links: tuple[Link, ...] = ()
    autonomy: Autonomy = "suggest"

    _text: str = PrivateAttr(default="")
    _entries: tuple[tuple[Matcher, ...], ...] = PrivateAttr(default=())

    def model_post_init(self, _: Any) -> None:  # noqa: ANN401 - pydantic's own signature
        self._entries = tuple(entry(each) for each in self.match)

    @property
    def entries(self) -> tuple[tuple[Matcher, ...], ...]:
        """The alternatives of `match`, each a conjunction of matchers."""
        return self._entries

    @property
    def text(self) -> str:
        """The text of the file that this was read from."""
        return self._text

    @property
    def digest(self) -> str:
        """SHA-256 of the text, as 64 hex digits: the version of the runbook."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    def read_from(self, text: str) -> Runbook:
        """Keeps the text that this was read from, and returns itself."""
        self._text = text
        return self
