"""The base model, the shared types and the steps of `gather` of the runbook schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from bot.runbook.language import units

Place: TypeAlias = Literal["target", "primary", "replicas", "shard", "proxies"]
STEP_TIMEOUT = 3.0
"""The default timeout of a gather step, in seconds."""
NAMES = r"^[a-z][a-z0-9_]{0,39}$"
MAX_ITEMS = 50
"""The most instances or items of one step."""
RESERVED = frozenset(
    {"inputs", "labels", "target", "item", "true", "false", "none", "not", "and", "or", "in", "is", "if"}
)


def _name(value: str) -> str:
    if value in RESERVED:
        raise ValueError(f"Name {value!r} is reserved in expressions; choose another one")
    return value


Name: TypeAlias = Annotated[str, Field(pattern=NAMES), AfterValidator(_name)]
Duration: TypeAlias = Annotated[
    float, BeforeValidator(units.seconds, json_schema_input_type=float | str), Field(gt=0, le=86400)
]
Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]
Label: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9 ./-]{1,29}$")]
Template: TypeAlias = Annotated[str, Field(min_length=1, max_length=2000)]
Parameters: TypeAlias = Mapping[str, Any]


class RunbookModel(BaseModel):
    """Base of all models: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Selector(RunbookModel):
    """Selects the instances of the inventory that match all given keys; patterns can contain `*` and `?`."""

    role: Literal["primary", "replica", "proxy"] | None = None
    """The role of the instances; proxies are selected only with `proxy`."""
    name: Line | None = None
    """A pattern for the name of the instance."""
    shard: Line | None = None
    """A pattern for the name of the shard; by default the shard of the target."""
    tablet: Line | None = None
    """The alias of a Vitess tablet; in a remedy it can be an expression on the evidence."""
    limit: int = Field(default=10, ge=1, le=MAX_ITEMS)
    """The most instances; the step fails if more match, so that none is skipped unnoticed."""


def _where_notation(value: object) -> str:
    return "selector" if isinstance(value, dict | Selector) else "place"


Where: TypeAlias = Annotated[
    Annotated[Place, Tag("place")] | Annotated[Selector, Tag("selector")], Discriminator(_where_notation)
]


class GatherStep(RunbookModel):
    """One run of a diagnostic."""

    use: str
    """The name of a diagnostic in the catalog, e.g. mysql.replica_status."""
    on: Where = "target"
    """The instances on which it runs; except for `target` and `primary`, the evidence is a list with one item each."""
    each: Template | None = None
    """An expression for a list: the diagnostic runs once for each `item`, and the evidence is a list."""
    limit: int = Field(default=10, ge=1, le=MAX_ITEMS)
    """The most items of `each`; the card states how many further items were skipped."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """The parameters of the diagnostic; text can contain expressions."""
    when: Template | None = None
    """A condition; the step runs only if it is true."""
    timeout: Annotated[Duration, Field(le=30)] = STEP_TIMEOUT
    """The timeout, in seconds."""
    retries: int = Field(default=0, ge=0, le=3)
    """How often the step is retried after a failure."""
    show: bool = False
    """Whether the evidence is meant for the reader even if no expression reads it."""

    @model_validator(mode="after")
    def _has_each_or_several_instances(self) -> GatherStep:
        if self.each is not None and self.many_places:
            raise ValueError("`each` cannot be combined with several instances in `on`")
        if isinstance(self.on, Selector) and "{{" in (self.on.tablet or ""):
            raise ValueError("`tablet` of a step cannot be an expression, because no evidence is available yet")
        return self

    @property
    def many_places(self) -> bool:
        """Whether the step runs on several instances."""
        return self.on not in ("target", "primary")

    @property
    def is_list(self) -> bool:
        """Whether the evidence is a list."""
        return self.many_places or self.each is not None


def _short_step(value: object) -> object:
    """Expands `replica: mysql.replica_status` to `replica: {use: mysql.replica_status}`."""
    return {"use": value} if isinstance(value, str) else value


Step: TypeAlias = Annotated[GatherStep, BeforeValidator(_short_step, json_schema_input_type=str | GatherStep)]
