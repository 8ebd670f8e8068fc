"""Evidence as a test writes it: the fields that matter, the rest as their types' defaults; and back. Pure."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter

from bot.runbook.language.signatures import bare, coerce, did_you_mean, fields_of, item_of, unit_of


def given(kind: Any, fields: object) -> Any:  # noqa: ANN401 - evidence of any type
    """Evidence of this type with these fields, the rest as the type's defaults; raises ValueError in plain words."""
    item = item_of(kind)
    if item is not None and isinstance(fields, list | tuple):
        values = [given(item, each) for each in fields]
        return tuple(values) if get_origin(bare(kind)) is tuple else values
    plain = bare(kind)
    if not (isinstance(plain, type) and dataclasses.is_dataclass(plain)):
        return coerce(kind, fields)
    if fields is None and NoneType in get_args(kind):
        return None
    if not isinstance(fields, Mapping):
        raise ValueError(f"fields of {plain.__name__} are needed here, not {str(fields)[:60]!r}")
    hints = fields_of(plain)
    declared = {field.name: field for field in dataclasses.fields(plain) if field.init}
    for name in fields:
        if name not in declared:
            raise ValueError(f"{plain.__name__} has no field {name!r}{did_you_mean(name, declared)}")
    values_by_name: dict[str, Any] = {}
    for name, field in declared.items():
        if name in fields:
            try:
                values_by_name[name] = given(hints[name], fields[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            values_by_name[name] = default_of(hints[name])
    return plain(**values_by_name)


_ZEROS: Mapping[Any, Any] = {int: 0, float: 0.0, str: "", bool: False}


def default_of(kind: Any) -> Any:  # noqa: ANN401
    """What a field of this type holds when a test does not care."""
    if get_origin(kind) is Annotated and unit_of(kind):
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType) and NoneType in get_args(kind):
        return None
    plain = bare(kind)
    if plain in _ZEROS:
        return _ZEROS[plain]
    if item_of(plain) is not None:
        return () if get_origin(plain) is tuple else []
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return next(iter(plain))
    if isinstance(plain, type) and dataclasses.is_dataclass(plain):
        return given(plain, {})
    if get_origin(plain) is Literal:
        return get_args(plain)[0]
    if get_origin(plain) is not None and issubclass(get_origin(plain), Mapping):
        return {}
    raise ValueError(f"a field of the type {plain} has no default; give it")


def written(evidence: Any) -> Any:  # noqa: ANN401 - evidence of any type
    """Evidence as a test writes it: JSON values, of each record the fields that are not what `given` fills in."""
    if isinstance(evidence, list | tuple):
        return [written(each) for each in evidence]
    if not dataclasses.is_dataclass(evidence) or isinstance(evidence, type):
        return TypeAdapter(type(evidence)).dump_python(evidence, mode="json")
    empty = given(type(evidence), {})
    found = {field.name: getattr(evidence, field.name) for field in dataclasses.fields(evidence) if field.init}
    return {name: written(value) for name, value in found.items() if value != getattr(empty, name)}
