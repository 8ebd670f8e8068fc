"""The parameter and result types of the actions, read from their signatures, and the conversion of values to them."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from actions.contract import Unit
from bot.runbook.language import units
from bot.spelling import closest_match


class UnknownAction(LookupError):
    """The catalog does not contain an action; `suggestion` names the closest one."""

    def __init__(self, kind: str, name: str, names: typing.Iterable[str]) -> None:
        self.message = f"Unknown {kind} {name!r}"
        self.suggestion = suggestion_for(name, names)
        super().__init__(f"{self.message}; {self.suggestion}" if self.suggestion else self.message)


@dataclass(frozen=True, slots=True)
class Signature:
    """The annotations of an action's parameters, the names of the required ones, and the annotation of its result."""

    parameters: Mapping[str, Any]
    required: frozenset[str]
    result: Any = None


def did_you_mean(name: str, names: typing.Iterable[str]) -> str:
    """Returns `; did you mean 'x'?` if a name is close, else ''."""
    suggestion = suggestion_for(name, names)
    return f"; {suggestion}" if suggestion else ""


def suggestion_for(name: str, names: typing.Iterable[str]) -> str:
    """Returns `did you mean 'x'?` if a name is close, else ''."""
    closest = closest_match(name, names)
    return f"did you mean {closest!r}?" if closest is not None else ""


@lru_cache(maxsize=256)
def of_diagnostic(name: str) -> Signature:
    """Returns the signature of a diagnostic; raises UnknownAction."""
    declared = DIAGNOSTICS.get(name)
    if declared is None:
        raise UnknownAction("diagnostic", name, DIAGNOSTICS)
    hints = typing.get_type_hints(declared.ask, include_extras=True)
    parameters = [p for p in inspect.signature(declared.ask).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return Signature(
        {p.name: hints[p.name] for p in parameters},
        frozenset(p.name for p in parameters if p.default is p.empty),
        hints["return"],
    )


@lru_cache(maxsize=256)
def of_remediation(name: str) -> Signature:
    """Returns the signature of a remediation; raises UnknownAction."""
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


def bare(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """Returns an annotation without its unit and without `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            rest = [each for each in get_args(annotation) if each is not type(None)]
            if len(rest) != 1:
                return Any
            annotation = rest[0]
        else:
            return annotation


def unit_of(annotation: Any) -> Unit | None:  # noqa: ANN401
    """Returns the unit of an annotation, or None."""
    if get_origin(annotation) is Annotated:
        return next((each for each in get_args(annotation)[1:] if isinstance(each, Unit)), None)
    if get_origin(annotation) in (Union, types.UnionType):
        return next((unit for each in get_args(annotation) if (unit := unit_of(each)) is not None), None)
    return None


def item_of(annotation: Any) -> Any:  # noqa: ANN401
    """Returns the annotation of a list's items, or None if the annotation is not a list."""
    annotation = bare(annotation)
    if get_origin(annotation) in (list, tuple):
        return get_args(annotation)[0]
    return None


@lru_cache(maxsize=1024)
def fields_of(record: type) -> Mapping[str, Any]:
    """Returns the annotation of every field of a dataclass."""
    hints = typing.get_type_hints(record, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(record)}


@lru_cache(maxsize=1024)
def attributes_of(record: type) -> Mapping[str, Any]:
    """Returns the annotation of everything readable in a dataclass of evidence: its fields and its properties."""
    found = dict(fields_of(record))
    for name, member in inspect.getmembers(record, lambda each: isinstance(each, property)):
        if not name.startswith("_"):
            hints = typing.get_type_hints(member.fget, include_extras=True) if member.fget else {}
            found[name] = hints.get("return", Any)
    return found


_FROM_TEXT = {Unit.SECONDS: units.seconds, Unit.BYTES: units.size, Unit.PERCENT: units.percent}


def coerce(annotation: Any, value: object) -> Any:  # noqa: ANN401
    """Converts a value to a type, and text such as `30s` according to the type's unit; raises ValueError."""
    unit = unit_of(annotation)
    if isinstance(value, str) and unit in _FROM_TEXT:
        value = _FROM_TEXT[unit](value)
    try:
        return _adapter(annotation).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise ValueError(f"{f'{at}: ' if at else ''}{first['msg']}, got {str(value)[:60]!r}") from error


@lru_cache(maxsize=512)
def _adapter(annotation: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    return TypeAdapter(annotation)
