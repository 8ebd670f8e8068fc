"""What kind of value an expression has: number, text, list, record, with its unit, words and fields. Pure.

A kind comes from the annotation of a field, an input or a parameter. What no annotation tells is ANY, which fits
everywhere: the linter says nothing of what it does not know.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from actions.contract import Unit
from bot.runbook.language.signatures import facts


class Base(StrEnum):
    """The kinds of values, in the words of sentences."""

    ANY = "a value"
    NOTHING = "an empty value"
    NUMBER = "a number"
    TEXT = "text"
    BOOLEAN = "a boolean"
    LIST = "a list"
    RECORD = "a record"
    MAPPING = "a mapping"


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping whose names are known, e.g. `inputs`."""

    names: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of a value."""

    base: Base = Base.ANY
    unit: Unit | None = None
    words: frozenset[str] | None = None
    """All the words that a text can be, where they are a closed set."""
    item: Kind | None = None
    """What a list or mapping holds."""
    fields: Mapping[str, Any] | None = field(default=None, compare=False)
    """The fields of a record with their annotations."""
    nullable: bool = False
    annotation: Any = Any
    constant: bool = False
    """It stands in the expression as it is."""
    value: Any = None
    """The value of a constant."""

    @property
    def known(self) -> bool:
        return self.base is not Base.ANY

    def there(self) -> Kind:
        """The same, and not empty."""
        return dataclasses.replace(self, nullable=False) if self.nullable else self

    def __str__(self) -> str:
        unit = f" ({self.unit.value})" if self.unit not in (None, Unit.COUNT) else " (a count)" if self.unit else ""
        return f"{self.base.value}{unit}"


ANY = Kind()
BOOLEAN = Kind(Base.BOOLEAN, annotation=bool)
COUNT = Kind(Base.NUMBER, Unit.COUNT, annotation=int)
NOTHING = Kind(Base.NOTHING, nullable=True, annotation=None)
NUMBER = Kind(Base.NUMBER, annotation=float)
TEXT = Kind(Base.TEXT, annotation=str)


def kind_of(annotation: Any) -> Kind:  # noqa: ANN401 - annotations have no common type
    """The kind of value that an annotation, a Shape or a Kind stands for."""
    if isinstance(annotation, Kind):
        return annotation
    if isinstance(annotation, Shape):
        return Kind(Base.RECORD, fields=annotation.names)
    try:
        return _of(annotation)
    except TypeError:  # an annotation that has no hash, so it is none of ours
        return ANY


@lru_cache(maxsize=2048)
def _of(annotation: Any) -> Kind:  # noqa: ANN401
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        unit = next((each for each in arguments[1:] if isinstance(each, Unit)), None)
        return dataclasses.replace(_of(arguments[0]), unit=unit, annotation=annotation)
    if origin in (Union, types.UnionType):
        return _of_union(annotation, arguments)
    if origin is Literal:
        return constants(arguments, annotation)
    if annotation in (list, tuple) or origin in (list, tuple, Sequence):
        return Kind(Base.LIST, item=_of(arguments[0]) if arguments else ANY, annotation=annotation)
    if annotation is dict or origin in (dict, Mapping):
        return Kind(Base.MAPPING, item=_of(arguments[1]) if arguments else ANY, annotation=annotation)
    return _of_class(annotation) if isinstance(annotation, type) else ANY


def _of_class(annotation: type) -> Kind:
    if issubclass(annotation, enum.Enum):
        return constants([each.value for each in annotation], annotation)
    if issubclass(annotation, bool):
        return BOOLEAN
    if issubclass(annotation, int | float):
        return NUMBER
    if issubclass(annotation, str):
        return TEXT
    if dataclasses.is_dataclass(annotation):
        return Kind(Base.RECORD, fields=facts(annotation), annotation=annotation)
    return ANY


def _of_union(annotation: Any, arguments: tuple[Any, ...]) -> Kind:  # noqa: ANN401
    found = joined(*(_of(each) for each in arguments if each is not types.NoneType))
    return dataclasses.replace(found, nullable=types.NoneType in arguments or found.nullable, annotation=annotation)


def constants(values: Sequence[Any], annotation: Any = Any) -> Kind:  # noqa: ANN401
    """A value that is one of these."""
    if values and all(isinstance(value, str) for value in values):
        return Kind(Base.TEXT, words=frozenset(values), annotation=str if annotation is Any else annotation)
    return joined(*(kind_of(type(value)) for value in values if value is not None))


def constant(value: object) -> Kind:
    """The kind of a constant of an expression."""
    if value is None:
        return NOTHING
    found = constants([value])
    return dataclasses.replace(found, constant=True, value=value)


def list_of(item: Kind) -> Kind:
    """A list of these."""
    return Kind(Base.LIST, item=item, annotation=types.GenericAlias(list, (item.annotation,)))


def joined(*kinds: Kind) -> Kind:
    """What is known of a value that is one of these kinds."""
    if not kinds:
        return ANY
    result = kinds[0]
    for other in kinds[1:]:
        result = _join(result, other)
    return result


def _join(one: Kind, other: Kind) -> Kind:
    if one == other:
        return one
    nullable = one.nullable or other.nullable
    if Base.NOTHING in (one.base, other.base):
        kept = other if one.base is Base.NOTHING else one
        return dataclasses.replace(kept, nullable=True, constant=False, value=None)
    if one.base is not other.base or one.base is Base.RECORD:
        return Kind(nullable=nullable)
    words = one.words | other.words if one.words is not None and other.words is not None else None
    item = _join(one.item, other.item) if one.item is not None and other.item is not None else None
    unit = one.unit if one.unit is other.unit else None
    return Kind(one.base, unit, words, item, nullable=nullable, annotation=Any)
