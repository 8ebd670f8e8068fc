"""What the actions of the catalog take and return, read from their own signatures; and values made to fit them."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Unit
from bot.runbook.language import units


class UnknownAction(LookupError):
    """The catalog has no such action; the sentence names the nearest."""

    def __init__(self, kind: str, name: str, names: typing.Iterable[str]) -> None:
        self.says = f"there is no {kind} {name!r}"
        self.suggestion = nearest(name, names)
        super().__init__(f"{self.says}; {self.suggestion}" if self.suggestion else self.says)


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of an action by name, those that must be given, and the type of what it returns."""

    parameters: Mapping[str, Any]
    required: frozenset[str]
    result: Any = None


def near(name: str, names: typing.Iterable[str]) -> str:
    """`; did you mean 'x'?` where a name is near, else ''."""
    found = nearest(name, names)
    return f"; {found}" if found else ""


def nearest(name: str, names: typing.Iterable[str]) -> str:
    """`did you mean 'x'?` where a name is near, else ''."""
    found = meant(name, names)
    return f"did you mean {found!r}?" if found is not None else ""


def meant(name: str, names: typing.Iterable[str]) -> str | None:
    """The name that a misspelt one is nearest to, or None."""
    found = get_close_matches(name[:100], [str(each) for each in names], n=1, cutoff=0.6)
    return found[0] if found else None


@lru_cache(maxsize=256)
def of_diagnostic(name: str) -> Signature:
    """The signature of a diagnostic; raises UnknownAction."""
    declared = DIAGNOSTICS.get(name)
    if declared is None:
        raise UnknownAction("diagnostic", name, DIAGNOSTICS)
    hints = typing.get_type_hints(declared.ask, include_extras=True)
    asked = [p for p in inspect.signature(declared.ask).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return Signature(
        {p.name: hints[p.name] for p in asked},
        frozenset(p.name for p in asked if p.default is p.empty),
        hints["return"],
    )


@lru_cache(maxsize=256)
def of_remediation(name: str) -> Signature:
    """The signature of a remediation; raises UnknownAction."""
    declared = REMEDIATIONS.get(name)
    if declared is None:
        raise UnknownAction("remediation", name, REMEDIATIONS)
    hints = typing.get_type_hints(declared, include_extras=True)
    found = [f for f in dataclasses.fields(typing.cast(Any, declared)) if f.init]
    missing = dataclasses.MISSING
    return Signature(
        {f.name: hints[f.name] for f in found},
        frozenset(f.name for f in found if f.default is missing and f.default_factory is missing),
    )


def bare(kind: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """A type without its unit and without `| None`."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, types.UnionType):
            rest = [each for each in get_args(kind) if each is not type(None)]
            if len(rest) != 1:
                return Any
            kind = rest[0]
        else:
            return kind


def unit_of(kind: Any) -> Unit | None:  # noqa: ANN401
    """The unit that a type carries, or None."""
    if get_origin(kind) is Annotated:
        return next((each for each in get_args(kind)[1:] if isinstance(each, Unit)), None)
    if get_origin(kind) in (Union, types.UnionType):
        return next((unit for each in get_args(kind) if (unit := unit_of(each)) is not None), None)
    return None


def item_of(kind: Any) -> Any:  # noqa: ANN401
    """The type of a list's items, or None where the type is no list."""
    kind = bare(kind)
    if get_origin(kind) in (list, tuple):
        return get_args(kind)[0]
    return None


@lru_cache(maxsize=1024)
def fields_of(kind: type) -> Mapping[str, Any]:
    """The fields of a dataclass with their types."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@lru_cache(maxsize=1024)
def facts(kind: type) -> Mapping[str, Any]:
    """What can be read of a dataclass of evidence: its fields and its properties, with their types."""
    found = dict(fields_of(kind))
    for name, member in inspect.getmembers(kind, lambda each: isinstance(each, property)):
        if not name.startswith("_"):
            hints = typing.get_type_hints(member.fget, include_extras=True) if member.fget else {}
            found[name] = hints.get("return", Any)
    return found


_FROM_TEXT = {Unit.SECONDS: units.seconds, Unit.BYTES: units.size, Unit.PERCENT: units.percent}


def coerce(kind: Any, value: object) -> Any:  # noqa: ANN401
    """A value as this type has it, text such as `30s` read by the type's unit; raises ValueError in plain words."""
    unit = unit_of(kind)
    if isinstance(value, str) and unit in _FROM_TEXT:
        value = _FROM_TEXT[unit](value)
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise ValueError(f"{f'{at}: ' if at else ''}{first['msg']}, not {str(value)[:60]!r}") from error


@lru_cache(maxsize=512)
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    return TypeAdapter(kind)
