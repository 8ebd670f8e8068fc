"""The base model and the shared types of the runbook schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from bot.runbook.language import units

Place: TypeAlias = Literal["target", "primary", "replicas", "shard", "proxies"]
NAMES = r"^[a-z][a-z0-9_]{0,39}$"
MAX_REMEDIES = 4
MAX_ITEMS = 50
"""The most instances or items of one step."""
RESERVED = frozenset(
    {"inputs", "labels", "target", "item", "before", "true", "false", "none", "not", "and", "or", "in", "is", "if"}
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


def _as_names(value: object) -> object:
    """Converts a single name to a list of one."""
    if isinstance(value, list) and len(value) > MAX_REMEDIES:
        raise ValueError(f"{len(value)} remedies exceed the limit of {MAX_REMEDIES}")
    return () if value is None else (value,) if isinstance(value, str) else value


Names: TypeAlias = Annotated[
    tuple[Name, ...], BeforeValidator(_as_names, json_schema_input_type=str | list[str] | None)
]


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
