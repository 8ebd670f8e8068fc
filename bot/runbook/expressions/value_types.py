"""The types of expressions: number, text, list or record, with unit, literals and fields. Pure.

A type is derived from the annotation of a field, an input or a parameter. A value without a usable annotation has the
type ANY, which is compatible with every type, so the linter reports nothing about it.
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
from bot.runbook.language.signatures import attributes_of


class BaseType(StrEnum):
    """The basic types, as messages name them."""

    ANY = "a value"
    NULL = "NULL"
    NUMBER = "a number"
    TEXT = "text"
    BOOLEAN = "a boolean"
    LIST = "a list"
    RECORD = "a record"
    MAPPING = "a mapping"


@dataclass(frozen=True, slots=True)
class RecordType:
    """A mapping with a fixed set of keys, e.g. `inputs`."""

    fields: Mapping[str, Any]
    """Each key, with the annotation of its value."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a value, as far as it is known."""

    base: BaseType = BaseType.ANY
    unit: Unit | None = None
    literals: frozenset[str] | None = None
    """The possible values of a text, if they are a closed set."""
    item: ValueType | None = None
    """The type of the items of a list, or of the values of a mapping."""
    fields: Mapping[str, Any] | None = field(default=None, compare=False)
    """Each field of a record, with its annotation."""
    nullable: bool = False
    annotation: Any = Any
    is_literal: bool = False
    """Whether the value is a literal of the expression."""
    value: Any = None
    """The value of a literal."""

    @property
    def is_known(self) -> bool:
        """Whether anything is known about the value."""
        return self.base is not BaseType.ANY

    def non_null(self) -> ValueType:
        """Returns this type without NULL."""
        return dataclasses.replace(self, nullable=False) if self.nullable else self

    def __str__(self) -> str:
        return _UNIT_TEXTS[self.unit] if self.unit is not None else self.base.value


_UNIT_TEXTS: Mapping[Unit, str] = {
    Unit.SECONDS: "a number of seconds",
    Unit.BYTES: "a number of bytes",
    Unit.PERCENT: "a percentage",
    Unit.COUNT: "a count",
    Unit.MOMENT: "a Unix time",
}

ANY = ValueType()
BOOLEAN = ValueType(BaseType.BOOLEAN, annotation=bool)
COUNT = ValueType(BaseType.NUMBER, Unit.COUNT, annotation=int)
NULL = ValueType(BaseType.NULL, nullable=True, annotation=None)
NUMBER = ValueType(BaseType.NUMBER, annotation=float)
TEXT = ValueType(BaseType.TEXT, annotation=str)


def value_type_of(annotation: Any) -> ValueType:  # noqa: ANN401 - annotations have no common type
    """Returns the type for an annotation, a RecordType or a ValueType."""
    if isinstance(annotation, ValueType):
        return annotation
    if isinstance(annotation, RecordType):
        return ValueType(BaseType.RECORD, fields=annotation.fields)
    try:
        return _type_of(annotation)
    except TypeError:  # an unhashable annotation, which no action or input uses
        return ANY


@lru_cache(maxsize=2048)
def _type_of(annotation: Any) -> ValueType:  # noqa: ANN401
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        unit = next((each for each in arguments[1:] if isinstance(each, Unit)), None)
        return dataclasses.replace(_type_of(arguments[0]), unit=unit, annotation=annotation)
    if origin in (Union, types.UnionType):
        return _type_of_union(annotation, arguments)
    if origin is Literal:
        return type_of_literals(arguments, annotation)
    if annotation in (list, tuple) or origin in (list, tuple, Sequence):
        return ValueType(BaseType.LIST, item=_type_of(arguments[0]) if arguments else ANY, annotation=annotation)
    if annotation is dict or origin in (dict, Mapping):
        return ValueType(BaseType.MAPPING, item=_type_of(arguments[1]) if arguments else ANY, annotation=annotation)
    return _type_of_class(annotation) if isinstance(annotation, type) else ANY


def _type_of_class(annotation: type) -> ValueType:
    if issubclass(annotation, enum.Enum):
        return type_of_literals([each.value for each in annotation], annotation)
    if issubclass(annotation, bool):
        return BOOLEAN
    if issubclass(annotation, int | float):
        return NUMBER
    if issubclass(annotation, str):
        return TEXT
    if dataclasses.is_dataclass(annotation):
        return ValueType(BaseType.RECORD, fields=attributes_of(annotation), annotation=annotation)
    return ANY


def _type_of_union(annotation: Any, arguments: tuple[Any, ...]) -> ValueType:  # noqa: ANN401
    found = union_of(*(_type_of(each) for each in arguments if each is not types.NoneType))
    return dataclasses.replace(found, nullable=types.NoneType in arguments or found.nullable, annotation=annotation)


def type_of_literals(values: Sequence[Any], annotation: Any = Any) -> ValueType:  # noqa: ANN401
    """Returns the type of a value that is one of these literals."""
    if values and all(isinstance(value, str) for value in values):
        return ValueType(BaseType.TEXT, literals=frozenset(values), annotation=str if annotation is Any else annotation)
    return union_of(*(value_type_of(type(value)) for value in values if value is not None))


def type_of_literal(value: object) -> ValueType:
    """Returns the type of a literal in an expression."""
    if value is None:
        return NULL
    found = type_of_literals([value])
    return dataclasses.replace(found, is_literal=True, value=value)


def list_of(item: ValueType) -> ValueType:
    """Returns the type of a list with items of this type."""
    return ValueType(BaseType.LIST, item=item, annotation=types.GenericAlias(list, (item.annotation,)))


def union_of(*types_: ValueType) -> ValueType:
    """Returns the most specific type that covers all of these types."""
    if not types_:
        return ANY
    result = types_[0]
    for other in types_[1:]:
        result = _join(result, other)
    return result


def _join(left: ValueType, right: ValueType) -> ValueType:
    if left == right:
        return left
    nullable = left.nullable or right.nullable
    if BaseType.NULL in (left.base, right.base):
        kept = right if left.base is BaseType.NULL else left
        return dataclasses.replace(kept, nullable=True, is_literal=False, value=None)
    if left.base is not right.base or left.base is BaseType.RECORD:
        return ValueType(nullable=nullable)
    literals = left.literals | right.literals if left.literals is not None and right.literals is not None else None
    item = _join(left.item, right.item) if left.item is not None and right.item is not None else None
    unit = left.unit if left.unit is right.unit else None
    return ValueType(left.base, unit, literals, item, nullable=nullable, annotation=Any)
