"""Resolves the inputs of a runbook: the given value, else the alert's label, else the default. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.errors import WrongUsage
from bot.runbook.language import units
from bot.runbook.language.schema import Input, Runbook
from bot.runbook.language.signatures import did_you_mean

MAX_TEXT = 500
"""The most characters of a text input."""


def resolve(runbook: Runbook, labels: Mapping[str, str], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the value of every input; raises WrongUsage if one is unknown, missing or of the wrong type."""
    given = given or {}
    for name in given:
        if name not in runbook.inputs:
            raise WrongUsage(f"{runbook.runbook} has no input {name!r}{did_you_mean(name, runbook.inputs) or '.'}")
    found: dict[str, Any] = {}
    for name, declared in runbook.inputs.items():
        value = given.get(name)
        if value is None:
            value = _of_label(declared, labels)
        if value is None:
            label = f" and the alert has no label {declared.label!r}" if declared.label else ""
            raise WrongUsage(
                f"{runbook.runbook} requires the input {name!r} ({declared.type}), but no value is given{label}."
            )
        try:
            found[name] = read_value(declared, value)
        except ValueError as error:
            raise WrongUsage(f"{runbook.runbook}: invalid value of input {name!r}: {error}.") from error
    return found


def _of_label(declared: Input, labels: Mapping[str, str]) -> object:
    """Returns the label's value, or the default: an invalid label must not stop a triage that has a default."""
    value = labels.get(declared.label) if declared.label is not None else None
    if value is None:
        return declared.default
    try:
        return read_value(declared, value)
    except ValueError:
        return value if declared.default is None else declared.default


def read_value(declared: Input, value: object) -> Any:  # noqa: ANN401 - by its type
    """Converts a value to the input's type; raises ValueError."""
    return _READERS.get(declared.type, _text)(value) if declared.type != "enum" else _enum(declared, value)


def _enum(declared: Input, value: object) -> str:
    if value not in declared.values:
        raise ValueError(f"{str(value)[:60]!r} is not one of {', '.join(declared.values)}")
    return str(value)


def _count(value: object) -> int:
    number = _number(value)
    if not number.is_integer() or number < 0:
        raise ValueError(f"{str(value)[:60]!r} is not a whole number of at least 0")
    return int(number)


def _number(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a number")
    try:
        return float(str(value))
    except ValueError:
        raise ValueError(f"{str(value)[:60]!r} is not a number") from None


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise ValueError(f"{str(value)[:60]!r} is neither true nor false")


def _text(value: object) -> str:
    text = str(value)
    if len(text) > MAX_TEXT:
        raise ValueError(f"text of {len(text):,} characters exceeds the limit of {MAX_TEXT}")
    return text


_READERS: Mapping[str, Callable[[object], Any]] = {
    "seconds": units.seconds,
    "bytes": units.size,
    "percent": units.percent,
    "count": _count,
    "number": _number,
    "boolean": _boolean,
}
