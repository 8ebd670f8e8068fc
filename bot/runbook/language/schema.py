"""The schema of a runbook file as frozen models; its parts are in `gather_schema`, `remedy_schema`, `tests_schema`.

The models validate what can be decided from the file alone; `bot.runbook.linting` compares it with the action catalog.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    WithJsonSchema,
    model_validator,
)

from bot.alerts import Matcher
from bot.runbook.language.gather_schema import Step
from bot.runbook.language.kinds import BASE, Kind
from bot.runbook.language.matcher_syntax import parse_alternative
from bot.runbook.language.remedy_schema import Remedy
from bot.runbook.language.schema_base import (
    Duration,
    Label,
    Line,
    Name,
    Names,
    Parameters,
    RunbookModel,
    Template,
)
from bot.runbook.language.tests_schema import Test

Autonomy: TypeAlias = Literal["observe", "suggest", "auto"]
AUTONOMY: tuple[Autonomy, ...] = ("observe", "suggest", "auto")
Scope: TypeAlias = Literal["instance", "shard"]
InputType: TypeAlias = Literal[
    "seconds", "bytes", "percent", "count", "number", "boolean", "text", "instance", "shard", "user", "digest", "enum"
]

MAX_CARD_FIELDS = 3


class Input(RunbookModel):
    """A parameter of a runbook: given by a person, taken from a label of the alert, or its default."""

    type: InputType
    """The type of the value, which determines its notation and its unit."""
    default: Any = None
    """The value if neither a person nor the alert gives one; without a default, a value is required."""
    label: str | None = None
    """The label of the alert from which the value is taken."""
    values: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """The allowed values of an `enum`."""
    says: Line | None = None
    """A description of the value."""

    @model_validator(mode="after")
    def _values_belong_to_enum(self) -> Input:
        if (self.type == "enum") != bool(self.values):
            raise ValueError("`values` is required for type `enum` and not allowed for other types")
        return self


class Helped(RunbookModel):
    """When a remedy of the cause has helped; evidence is gathered again after the change to tell."""

    when: Template | None = None
    """The condition on the new evidence that is true once the remedy has helped; it can read the evidence from before
    the change as `before.STEP`. By default the remedy has helped once the cause no longer holds."""
    within: Annotated[Duration, Field(ge=1, le=900)] | None = None
    """How long it may take until it has helped, in seconds; by default 10 s, and 60 s under Vitess."""
    holds_for: Annotated[Duration, Field(ge=1, le=900)] | None = None
    """How long it must last before it counts, in seconds: for trouble that returns, such as a lock wait
    timeout; by default 10 s if the condition reads mysql.wait_graph, and otherwise 0."""


class Continuation(RunbookModel):
    """The runbook that a run goes on with once a cause leads."""

    runbook: Annotated[str, Field(min_length=1, max_length=100)]
    """The name of the other runbook."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """The inputs of the other runbook; by default they come from the alert's labels, or are their defaults."""


def _as_continuation(value: object) -> object:
    """Converts the name of a runbook to the full notation."""
    return {"runbook": value} if isinstance(value, str) else value


class Cause(RunbookModel):
    """A possible cause: a condition on the evidence, the finding as a sentence, and the remedies."""

    id: Name
    """The name by which tests and `unless` refer to the cause."""
    when: Template
    """The condition on the evidence that proves the cause."""
    says: Template
    """The finding and what it means, as a template."""
    remedies: Names = Field(default=(), alias="remedy")
    """The remedies to choose from, the best first; one name or a list."""
    unless: tuple[Name, ...] = ()
    """Earlier causes that exclude this one: if one of them is proved, this cause is not reported."""
    look_again: Annotated[Duration, Field(ge=1, le=300)] | None = None
    """For a condition that may resolve itself: evidence is gathered again after this time, in seconds."""
    helped: Helped | None = None
    """When a remedy of this cause has helped; by default once the cause no longer holds."""
    over: bool = False
    """Whether the cause says that the trouble is over: it then comes after all other proved causes, and is undecided
    while a cause that excludes it is."""
    continue_: Annotated[
        Continuation | None, BeforeValidator(_as_continuation, json_schema_input_type=str | Continuation | None)
    ] = Field(default=None, alias="continue")
    """The runbook that the run goes on with if this cause leads: its name, or a mapping with `runbook` and `with`. A
    run goes on once; what was gathered already is not gathered again."""

    @property
    def continues(self) -> str:
        """The name of the runbook that the run goes on with, or ''."""
        return self.continue_.runbook if self.continue_ is not None else ""

    @model_validator(mode="after")
    def _has_remedy_or_look_again(self) -> Cause:
        if self.continue_ is not None and (self.remedies or self.look_again is not None or self.over):
            raise ValueError("a cause with `continue` cannot have a remedy, `look_again` or `over`")
        if self.look_again is not None and self.remedies:
            raise ValueError("a cause with `look_again` cannot offer a remedy")
        if self.helped is not None and not self.remedies:
            raise ValueError("`helped` is allowed only for a cause with a remedy")
        return self


def _validate_kinds(value: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Rejects kinds that no server has: each server has exactly one of `BASE`."""
    if not any(each in BASE for each in value):
        raise ValueError(f"`kinds` needs at least one of {', '.join(BASE)}: each server is one of these")
    if len(set(value)) < len(value):
        raise ValueError("`kinds` names a kind twice")
    return value


Kinds: TypeAlias = Annotated[tuple[Kind, ...], Field(min_length=1), AfterValidator(_validate_kinds)]


class Link(RunbookModel):
    """A link to further reading."""

    title: Line
    """The text of the link."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s<>|]+$", max_length=500)]
    """The URL, http or https."""


def _validate_alternative(value: object) -> object:
    """Rejects an invalid alternative, so that the error has its line."""
    parse_alternative(value)
    return value


Alternative: TypeAlias = Annotated[
    Any,
    AfterValidator(_validate_alternative),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class Matching(RunbookModel):
    """The alerts that a runbook matches, in full notation; a list alone stands for `any`."""

    any: Annotated[tuple[Alternative, ...], Field(min_length=1, max_length=50)]
    """Alternatives: each is one matcher, or several (comma-separated or a list), all of which must match."""
    exceptions: Annotated[tuple[Alternative, ...], Field(max_length=50)] = Field(default=(), alias="not")
    """Alternatives as in `any`; if one of them matches, the runbook does not match."""
    priority: int = Field(default=0, ge=-100, le=100)
    """The runbook with the highest priority wins; below 0, a runbook is a fallback for alerts that no other matches."""


def _match_notation(value: object) -> str:
    return "mapping" if isinstance(value, dict | Matching) else "list"


Alternatives: TypeAlias = Annotated[
    Annotated[tuple[Alternative, ...], Tag("list"), Field(max_length=50)] | Annotated[Matching, Tag("mapping")],
    Discriminator(_match_notation),
]


class Runbook(RunbookModel):
    """A whole runbook."""

    runbook: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*$", max_length=100)]
    """The name of the runbook, which is its path below the runbook folder."""
    title: Line
    """The title of the card: the problem in a few words."""
    owner: Line
    """The team that is responsible for the runbook."""
    match: Alternatives = ()
    """The alerts that the runbook matches: a list of alternatives, or a mapping with `any`, `not` and `priority`."""
    kinds: Kinds | None = None
    """The kinds of servers for which the runbook speaks; it answers only for a server all of whose kinds it names.
    Without this key it answers for every server, but changes none that is recovering or being provisioned."""
    inputs: Mapping[Name, Input] = Field(default_factory=dict)
    """The parameters of the runbook by name; expressions read them as `inputs.name`."""
    gather: Mapping[Name, Step] = Field(min_length=1)
    """The steps that gather evidence, by name; they run in parallel unless one reads the evidence of another."""
    shows: Annotated[Mapping[Label, Template], Field(max_length=MAX_CARD_FIELDS)] = Field(default_factory=dict)
    """The most important values, by a label of one or two words: at most three lines, with units. The card shows them;
    all other evidence is in the attached file."""
    causes: tuple[Cause, ...] = ()
    """The possible causes in order: the first one that is proved leads, the others are listed below it."""
    remedies: Mapping[Name, Remedy] = Field(default_factory=dict)
    """The changes that causes offer, by name."""
    tests: tuple[Test, ...] = ()
    """Evidence and expected outcomes; `firstmate test` runs them."""
    notes: Annotated[str, Field(max_length=4000)] | None = None
    """Notes for the reader: when not to act, and what this runbook does not detect."""
    links: tuple[Link, ...] = ()
    """Further reading, shown on the card."""
    autonomy: Autonomy = "suggest"
    """`observe` names the cause and offers no remedy; `suggest` asks for approval; `auto` applies the remedy without
    approval if the configuration allows it."""
    scope: Scope = "instance"
    """What an incident is about: with `shard`, all alerts of one shard that this runbook matches share one thread."""
    wait_for_repair: Annotated[Duration, Field(ge=0, le=300)] = 30.0
    """How long VTOrc may take to repair a Vitess shard before Firstmate offers or makes a change, in seconds."""
    silence: Duration | None = None
    """How long the alert is silenced in Alertmanager when a person takes the incident, in seconds."""

    _text: str = PrivateAttr(default="")
    _entries: tuple[tuple[Matcher, ...], ...] = PrivateAttr(default=())
    _exceptions: tuple[tuple[Matcher, ...], ...] = PrivateAttr(default=())

    def model_post_init(self, _: Any) -> None:  # noqa: ANN401 - pydantic's own signature
        any_of, none_of = (
            (self.match.any, self.match.exceptions) if isinstance(self.match, Matching) else (self.match, ())
        )
        self._entries = tuple(parse_alternative(each) for each in any_of)
        self._exceptions = tuple(parse_alternative(each) for each in none_of)

    @property
    def entries(self) -> tuple[tuple[Matcher, ...], ...]:
        """The alternatives of `match`; all matchers of an alternative must match."""
        return self._entries

    @property
    def exceptions(self) -> tuple[tuple[Matcher, ...], ...]:
        """The alternatives of `match.not`; if one matches, the runbook does not match."""
        return self._exceptions

    @property
    def priority(self) -> int:
        """The priority in `match`, by default 0."""
        return self.match.priority if isinstance(self.match, Matching) else 0

    @property
    def is_fallback(self) -> bool:
        """Whether the runbook only matches alerts that no other runbook matches."""
        return bool(self._entries) and self.priority < 0

    @property
    def text(self) -> str:
        """The text of the file from which the runbook was loaded."""
        return self._text

    @property
    def digest(self) -> str:
        """The SHA-256 of the text as 64 hex digits, which identifies the version of the runbook."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    def read_from(self, text: str) -> Runbook:
        """Stores the text from which the runbook was loaded, and returns the runbook."""
        self._text = text
        return self
