"""What all parts of a runbook are made of, and the steps of `gather`, as frozen models; unknown keys are errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from bot.runbook.language import units

Place: TypeAlias = Literal["target", "primary", "replicas", "shard", "proxies"]
STEP_TIMEOUT = 3.0
"""Seconds that one gather step may take, unless it says otherwise."""
NAMES = r"^[a-z][a-z0-9_]{0,39}$"
MAX_ITEMS = 50
"""The most instances or items that one step may ask for."""
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
    """Base of every part: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Selector(RunbookModel):
    """Instances of the inventory, those that fit everything given; patterns have `*` and `?`."""

    role: Literal["primary", "replica", "proxy"] | None = None
    """Only instances of this role; a proxy is meant only where this says so."""
    name: Line | None = None
    """Pattern of the instance's name."""
    shard: Line | None = None
    """Pattern of the shard's name; without it the shard of the target."""
    tablet: Line | None = None
    """The alias of a tablet of Vitess; in a remedy it may be an expression: the tablet that the evidence names."""
    limit: int = Field(default=10, ge=1, le=MAX_ITEMS)
    """The most instances, in the order of the inventory; more than that fit, and the step fails: nobody is left out
    in silence."""


def _kind_of_place(value: object) -> str:
    return "selector" if isinstance(value, dict | Selector) else "place"


Where: TypeAlias = Annotated[
    Annotated[Place, Tag("place")] | Annotated[Selector, Tag("selector")], Discriminator(_kind_of_place)
]


class GatherStep(RunbookModel):
    """One question to the fleet."""

    use: str
    """Name of a diagnostic in the catalog, e.g. mysql.replica_status."""
    on: Where = "target"
    """The instances that are asked; with any but `target` and `primary` the evidence is a list, one item for each."""
    each: Template | None = None
    """A list of evidence: the question is asked once for each `item` of it, and the evidence is a list."""
    limit: int = Field(default=10, ge=1, le=MAX_ITEMS)
    """The most items of `each` that are asked about; the rest is left out, and the card says so."""
    parameters: Parameters = Field(default_factory=dict, alias="with")
    """The parameters of the diagnostic; text may hold expressions."""
    when: Template | None = None
    """The step runs only where this expression holds."""
    timeout: Annotated[Duration, Field(le=30)] = STEP_TIMEOUT
    """Seconds."""
    retries: int = Field(default=0, ge=0, le=3)
    """How many times more it is asked where the answer does not come."""
    show: bool = False
    """The evidence is for people to look at, whether or not an expression reads it."""

    @model_validator(mode="after")
    def _asks_one_place_for_each(self) -> GatherStep:
        if self.each is not None and self.many_places:
            raise ValueError("`each` asks one place about every item; it does not go with several instances in `on`")
        if isinstance(self.on, Selector) and "{{" in (self.on.tablet or ""):
            raise ValueError("an expression for `tablet` belongs to a remedy; a step asks before there is evidence")
        return self

    @property
    def many_places(self) -> bool:
        """Whether several instances are asked."""
        return self.on not in ("target", "primary")

    @property
    def is_list(self) -> bool:
        """Whether the evidence is a list."""
        return self.many_places or self.each is not None


def _short_step(value: object) -> object:
    """`replica: mysql.replica_status` is short for `replica: {use: mysql.replica_status}`."""
    return {"use": value} if isinstance(value, str) else value


Step: TypeAlias = Annotated[GatherStep, BeforeValidator(_short_step, json_schema_input_type=str | GatherStep)]
