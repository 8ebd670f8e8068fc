"""Builds the evidence of a test from the fields that the test gives, and the fields from evidence. Pure."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter

from bot.runbook.language.signatures import bare, coerce, did_you_mean, fields_of, item_of, unit_of


def build_evidence(annotation: Any, fields: object) -> Any:  # noqa: ANN401 - evidence of any type
    """Builds evidence of this type from the given fields and the defaults of all others; raises ValueError."""
    item = item_of(annotation)
    if item is not None and isinstance(fields, list | tuple):
        values = [build_evidence(item, each) for each in fields]
        return tuple(values) if get_origin(bare(annotation)) is tuple else values
    plain = bare(annotation)
    if not (isinstance(plain, type) and dataclasses.is_dataclass(plain)):
        return coerce(annotation, fields)
    if fields is None and NoneType in get_args(annotation):
        return None
    if not isinstance(fields, Mapping):
        raise ValueError(f"expected a mapping with fields of {plain.__name__}, got {str(fields)[:60]!r}")
    hints = fields_of(plain)
    declared = {field.name: field for field in dataclasses.fields(plain) if field.init}
    for name in fields:
        if name not in declared:
            raise ValueError(f"{plain.__name__} has no field {name!r}{did_you_mean(name, declared)}")
    values_by_name: dict[str, Any] = {}
    for name, field in declared.items():
        if name in fields:
            try:
                values_by_name[name] = build_evidence(hints[name], fields[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            values_by_name[name] = default_of(hints[name])
    return plain(**values_by_name)


_ZEROS: Mapping[Any, Any] = {int: 0, float: 0.0, str: "", bool: False}


def default_of(annotation: Any) -> Any:  # noqa: ANN401
    """Returns the value of a field of this type that a test does not give."""
    if get_origin(annotation) is Annotated and unit_of(annotation):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation):
        return None
    plain = bare(annotation)
    if plain in _ZEROS:
        return _ZEROS[plain]
    if item_of(plain) is not None:
        return () if get_origin(plain) is tuple else []
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return next(iter(plain))
    if isinstance(plain, type) and dataclasses.is_dataclass(plain):
        return build_evidence(plain, {})
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if get_origin(plain) is not None and issubclass(get_origin(plain), Mapping):
        return {}
    raise ValueError(f"fields of type {plain} have no default and must be given")


def given_fields(evidence: Any) -> Any:  # noqa: ANN401 - evidence of any type
    """Returns evidence as a test gives it: JSON values, without the fields that have their defaults."""
    if isinstance(evidence, list | tuple):
        return [given_fields(each) for each in evidence]
    if not dataclasses.is_dataclass(evidence) or isinstance(evidence, type):
        return TypeAdapter(type(evidence)).dump_python(evidence, mode="json")
    defaults = build_evidence(type(evidence), {})
    found = {field.name: getattr(evidence, field.name) for field in dataclasses.fields(evidence) if field.init}
    return {name: given_fields(value) for name, value in found.items() if value != getattr(defaults, name)}
