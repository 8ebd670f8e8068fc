"""What a runbook file may say, as frozen models; `schema_base` has what they are made of, and `gather`. Pure.

The models hold what one can tell from the file alone. What an action takes and returns is held against the catalog in
`bot.runbook.linting.checks`.
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
from bot.runbook.language.matcher_syntax import parse_alternative
from bot.runbook.language.schema_base import (
    MAX_ITEMS,
    Duration,
    Label,
    Line,
    Name,
    Parameters,
    RunbookModel,
    Step,
    Template,
    Where,
)

Autonomy: TypeAlias = Literal["observe", "suggest", "auto"]
AUTONOMY: tuple[Autonomy, ...] = ("observe", "suggest", "auto")
Scope: TypeAlias = Literal["instance", "shard"]
InputType: TypeAlias = Literal[
    "seconds", "bytes", "percent", "count", "number", "boolean", "text", "instance", "shard", "user", "digest", "enum"
]

MAX_REMEDIES = 4
MAX_CARD_FIELDS = 3


class Input(RunbookModel):
    """A value that a runbook needs: from a label of the alert, from a person, or its default."""

    type: InputType
    """What kind of value it is, which says how it is written and compared."""
    default: Any = None
    """Its value where neither the alert nor a person gives one; without it the value must be given."""
    label: str | None = None
    """The label of the alert that gives the value."""
    values: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """The words that an `enum` takes."""
    says: Line | None = None
    """What the value means, for people."""

    @model_validator(mode="after")
    def _values_belong_to_enum(self) -> Input:
        if (self.type == "enum") != bool(self.values):
            raise ValueError("an input of the type `enum`, and no other, lists its `values`")
        return self


def _listed(value: object) -> object:
    """One name is short for a list of it."""
    if isinstance(value, list) and len(value) > MAX_REMEDIES:
        raise ValueError(f"{len(value)} remedies are more than a person can choose from; {MAX_REMEDIES} are the most")
    return () if value is None else (value,) if isinstance(value, str) else value


Names: TypeAlias = Annotated[tuple[Name, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str] | None)]


class Cause(RunbookModel):
    """A rule over the evidence, with a sentence for a person and, where there is one, a remedy."""

    id: Name
    """Its name, under which tests and other causes know it."""
    when: Template
    """The expression over the evidence that proves it."""
    says: Template
    """The sentence for a person: what is so, and what it means; a template."""
    remedies: Names = Field(default=(), alias="remedy")
    """The remedies to choose from, the best first; one name, or a list."""
    unless: tuple[Name, ...] = ()
    """Causes before this one; where one of them holds, this one does not: the general after the particular."""
    look_again: Annotated[Duration, Field(ge=1, le=300)] | None = None
    """What is seen may pass by itself: Firstmate looks once more after so long before the run ends; in seconds."""

    @model_validator(mode="after")
    def _offers_or_waits(self) -> Cause:
        if self.look_again is not None and self.remedies:
            raise ValueError("a cause that may pass by itself (`look_again`) offers no remedy")
        return self


class RemedyStep(RunbookModel):
    """One change of a remedy: an action, or the remedy of another runbook."""

    use: str | None = None
    """Name of a remediation in the catalog, e.g. mysql.start_replica."""
    runbook: str | None = None
    """Another runbook: it looks for itself, and its remedy is put here."""
    remedy: Name | None = None
    """The remedy of that runbook; without it the one that its leading cause offers."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """Parameters of the action, or inputs of the other runbook."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> RemedyStep:
        if (self.use is None) == (self.runbook is None):
            raise ValueError("a step names either an action (`use`) or another `runbook`")
        if self.remedy is not None and self.runbook is None:
            raise ValueError("`remedy` belongs to a step with `runbook`")
        return self


class Remedy(RunbookModel):
    """One or more changes that mend a cause; a lone step may stand without `steps`."""

    title: Line | None = None
    """What the approval shows as its title; without it the name."""
    on: Where = "target"
    """Where the changes are made; always within the shard of the target."""
    batches: Annotated[tuple[Annotated[int, Field(ge=1, le=MAX_ITEMS)], ...], Field(min_length=1, max_length=10)] = (
        1,
        2,
        4,
    )
    """How many targets a batch has; the last number goes on. Each batch is verified before the next begins."""
    on_failure: Literal["stop", "undo", "continue"] = "stop"
    """What follows when a change fails or does not verify: nothing more; all that was done is undone; the next."""
    error_budget: Annotated[int, Field(ge=0, le=50)] = 2
    """With `on_failure: continue`: how many changes may fail before nothing more is begun."""
    use: str | None = None
    runbook: str | None = None
    """As in a step."""
    remedy: Name | None = None
    """As in a step."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """As in a step."""
    steps: Annotated[tuple[RemedyStep, ...], Field(max_length=10)] = ()
    """The changes in their order, where it is more than one; each is verified before the next."""

    @model_validator(mode="after")
    def _has_steps_or_is_one(self) -> Remedy:
        if bool(self.steps) == (self.use is not None or self.runbook is not None):
            raise ValueError("a remedy has either one action (`use`, or `runbook`) or a list of `steps`")
        if self.steps and (self.parameters or self.remedy):
            raise ValueError("with `steps`, `with` and `remedy` stand at each step")
        if not self.steps:
            RemedyStep.model_validate(self._lone)
        if any(step.runbook is not None for step in self.each_step) and self.on != "target":
            raise ValueError("a step with `runbook` looks at the target and changes what it finds; leave `on` out")
        return self

    @property
    def _lone(self) -> dict[str, Any]:
        return {"use": self.use, "runbook": self.runbook, "remedy": self.remedy, "with": self.parameters}

    @property
    def each_step(self) -> tuple[RemedyStep, ...]:
        """The steps, also where one stands alone."""
        return self.steps or (RemedyStep.model_validate(self._lone),)


class Expect(RunbookModel):
    """What a test expects: the cause that leads and its remedy; null for neither."""

    cause: str | None = None
    """The cause that leads; null where none holds."""
    remedies: Names = Field(default=(), alias="remedy")
    """All remedies that the leading cause offers, the best first; one name, or a list."""
    causes: tuple[str, ...] | None = None
    """All causes that hold, in order."""
    undecided: tuple[str, ...] | None = None
    """All causes that cannot be told because evidence is missing."""
    says: str | None = None
    """Text that the leading sentence holds."""
    parameters: Parameters | None = Field(default=None, alias="with")
    """Parameters of the first remedy's first action, those that matter."""
    statements: tuple[str, ...] | None = None
    """The statements of the first remedy's plan on one target, all of them."""
    card: str | None = None
    """Text that the card holds."""


class ServerAnswer(RunbookModel):
    """What the server answers while a remedy is planned: the rows of a statement."""

    asks: Annotated[str, Field(min_length=1, max_length=2000)]
    """Text that the statement holds."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """The rows, each a mapping of column to value."""


class Test(RunbookModel):
    """Evidence and what it must lead to; fields that are not given hold their types' defaults."""

    __test__ = False

    name: Line | None = None
    """What is tested, in a few words."""
    given: Mapping[str, Any] = Field(default_factory=dict)
    """Evidence by the name of its step: the fields that matter; the others hold their types' defaults."""
    missing: tuple[str, ...] = ()
    """Steps that failed."""
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    """Values of inputs other than their defaults."""
    target: Mapping[Literal["name", "address", "role", "shard", "flavour", "replicas", "tablet"], str | int] = Field(
        default_factory=dict
    )
    """What the inventory says of the target, where it matters; else a replica of a shard with two."""
    server: Annotated[str, Field(pattern=r"^(mysql|mariadb|proxysql) \d+\.\d+(\.\d+)?$")] = "mysql 8.4.0"
    """Flavour and version of the server that a remedy is planned on."""
    answers: tuple[ServerAnswer, ...] = ()
    """What that server answers while the remedy is planned."""
    expect: Expect
    """What must come of it."""


class Link(RunbookModel):
    """Where a person reads on."""

    title: Line
    """What is shown."""
    url: Annotated[str, Field(pattern=r"^https?://[^\s<>|]+$", max_length=500)]
    """The address, http or https."""


def _parses(value: object) -> object:
    """Refuses what is no alternative, at its own line."""
    parse_alternative(value)
    return value


Alternative: TypeAlias = Annotated[
    Any,
    AfterValidator(_parses),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class Matching(RunbookModel):
    """Which alerts a runbook answers, in full; a list alone is short for `any`."""

    any: Annotated[tuple[Alternative, ...], Field(min_length=1, max_length=50)]
    """Alternatives; each is one matcher, several with commas between, or a list of them, which must all hold."""
    exceptions: Annotated[tuple[Alternative, ...], Field(max_length=50)] = Field(default=(), alias="not")
    """Alternatives like those of `any`; where one of them holds, the runbook does not answer."""
    priority: int = Field(default=0, ge=-100, le=100)
    """The highest wins whatever else matches; below 0 a runbook is a fallback, for what no other answers."""


def _kind_of_match(value: object) -> str:
    return "mapping" if isinstance(value, dict | Matching) else "list"


Alternatives: TypeAlias = Annotated[
    Annotated[tuple[Alternative, ...], Tag("list"), Field(max_length=50)] | Annotated[Matching, Tag("mapping")],
    Discriminator(_kind_of_match),
]


class Runbook(RunbookModel):
    """A whole runbook."""

    runbook: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*$", max_length=100)]
    """Its name, which is its path below the folder of runbooks."""
    title: Line
    """What is wrong, in a few words: the title of the card."""
    owner: Line
    """The team that answers for it."""
    match: Alternatives = ()
    """The alerts that it answers: a list of alternatives, or a mapping with `any`, `not` and `priority`."""
    inputs: Mapping[Name, Input] = Field(default_factory=dict)
    """Values that it needs, by name; expressions read them as `inputs.name`."""
    gather: Mapping[Name, Step] = Field(min_length=1)
    """The steps that ask, by name; all at once, but for those that read the evidence of others."""
    shows: Annotated[Mapping[Label, Template], Field(max_length=MAX_CARD_FIELDS)] = Field(default_factory=dict)
    """What one looks at first, by a label of a word or two: three lines at most, with units. They stand on the card;
    all the rest is in the file below it."""
    causes: tuple[Cause, ...] = ()
    """What the evidence can prove, in order: the first that holds leads, the others are listed."""
    remedies: Mapping[Name, Remedy] = Field(default_factory=dict)
    """The changes that causes offer, by name."""
    tests: tuple[Test, ...] = ()
    """Evidence and what must come of it; `firstmate test` runs them."""
    notes: Annotated[str, Field(max_length=4000)] | None = None
    """For people: when not to act, and what this runbook does not see."""
    links: tuple[Link, ...] = ()
    """Where a person reads on; shown on the card."""
    autonomy: Autonomy = "suggest"
    """`observe` names the cause and offers nothing; `suggest` asks for an approval; `auto` goes on without one, where
    the configuration lets it."""
    scope: Scope = "instance"
    """Of what an incident is one: with `shard`, all alerts that this runbook answers about one shard are one thread."""
    wait_for_repair: Annotated[Duration, Field(ge=0, le=300)] = 30.0
    """How long VTOrc may take to repair a shard of Vitess by itself before anything is offered or changed; in
    seconds."""
    silence: Duration | None = None
    """For how long the alert is silent in Alertmanager once a person takes the incident; in seconds."""

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
        """The alternatives of `match`, each a conjunction of matchers."""
        return self._entries

    @property
    def exceptions(self) -> tuple[tuple[Matcher, ...], ...]:
        """The alternatives of `match.not`; where one holds, the runbook does not answer."""
        return self._exceptions

    @property
    def priority(self) -> int:
        """What `match` says of it, 0 where it says nothing."""
        return self.match.priority if isinstance(self.match, Matching) else 0

    @property
    def is_fallback(self) -> bool:
        """Whether it answers only what no other runbook does."""
        return bool(self._entries) and self.priority < 0

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
