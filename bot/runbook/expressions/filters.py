"""The filters and tests of expressions; the cost of each is limited by the size of its operand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from jinja2 import ChainableUndefined, Undefined

from bot.runbook.language import units

MAX_VALUE_LENGTH = 500
"""The most characters of one value in rendered text."""


def format_value(value: object) -> object:
    """Formats a value for text: NULL is `unknown`, whole floats lose their `.0`, long text is truncated."""
    if value is None or isinstance(value, ChainableUndefined):
        return "unknown"
    if isinstance(value, Undefined):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return _cut(", ".join(str(format_value(each)) for each in value[:50]))
    return _cut(str(value))


def _cut(text: str, length: int = MAX_VALUE_LENGTH) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def is_property(record: type, name: str) -> bool:
    """Whether a class of evidence has a public property of this name."""
    return not name.startswith("_") and isinstance(getattr(record, name, None), property)


def _items(value: object) -> Sequence[Any]:
    if isinstance(value, Undefined):
        str(value)  # raises with the name
    if isinstance(value, list | tuple):
        return value
    raise TypeError(f"the filter requires a list, got {type(value).__name__}")


def _field(item: object, name: str) -> Any:  # noqa: ANN401 - evidence
    if is_dataclass(item) and (name in {f.name for f in fields(item)} or is_property(type(item), name)):
        return getattr(item, name)
    if isinstance(item, Mapping) and name in item:
        return item[name]
    raise TypeError(f"an item of the list has no field {name!r}")


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a is not None and a > b,
    ">=": lambda a, b: a is not None and a >= b,
    "<": lambda a, b: a is not None and a < b,
    "<=": lambda a, b: a is not None and a <= b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
    "contains": lambda a, b: a is not None and b in a,
}
"""The operators of `where`."""


def _where(value: object, name: str, comparison: str = "truth", other: object = None) -> list[Any]:
    """Returns the items whose field matches: `waits | where("age", ">", 30)`, `threads | where("running")`."""
    if comparison == "truth":
        return [item for item in _items(value) if _field(item, name)]
    if comparison not in COMPARISONS:
        raise TypeError(f"where() has no operator {comparison!r}; its operators are {', '.join(COMPARISONS)}")
    return [item for item in _items(value) if COMPARISONS[comparison](_field(item, name), other)]


def _pick(value: object, name: str) -> list[Any]:
    """Returns one field of every item: `threads | pick("user")`."""
    return [_field(item, name) for item in _items(value)]


def _known(value: object) -> list[Any]:
    return [item for item in _items(value) if item is not None]


def _first(value: object) -> Any:  # noqa: ANN401
    items = _items(value)
    if not items:
        raise LookupError("the list is empty")
    return items[0]


def _last(value: object) -> Any:  # noqa: ANN401
    _first(value)
    return _items(value)[-1]


def _largest(value: object, name: str) -> Any:  # noqa: ANN401
    """Returns the item with the largest field: `threads | largest("age")`."""
    _first(value)
    return max(_items(value), key=lambda item: _field(item, name) or 0)


def _length(value: object) -> int:
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise TypeError(f"length requires text or a list, got {type(value).__name__}")


def _sum(value: object) -> float:
    return sum((_number(item) for item in _known(value)), 0)


def _max(value: object) -> Any:  # noqa: ANN401
    return max(_known(value))


def _min(value: object) -> Any:  # noqa: ANN401
    return min(_known(value))


def _round(value: object, digits: int = 0) -> float:
    number = round(float(_number(value)), max(0, min(digits, 9)))
    return int(number) if digits == 0 else number


def _number(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise TypeError(f"the filter requires a number, got {'NULL' if value is None else type(value).__name__}")


def _unique(value: object) -> list[Any]:
    kept: list[Any] = []
    for item in _items(value)[:1000]:
        if item not in kept:
            kept.append(item)
    return kept


def _join(value: object, separator: str = ", ") -> str:
    return _cut(str(separator)[:10].join(str(format_value(item)) for item in _items(value)[:100]), 2000)


def _default(value: object, default: object = "") -> object:
    """Returns the value, or the default if it is NULL."""
    if isinstance(value, Undefined):
        str(value)
    return default if value is None else value


def _duration(value: object) -> str:
    return units.show_seconds(_number(value))


def _bytes(value: object) -> str:
    return units.show_bytes(_number(value))


def _shorten(value: object, length: int = 120) -> str:
    return _cut(" ".join(str(format_value(value)).split()), max(1, min(int(length), MAX_VALUE_LENGTH)))


def _plural(value: object, one: str, many: str | None = None) -> str:
    """Formats a count with its noun: `3 | plural("thread")` is `3 threads`."""
    count = _number(value)
    word = one if count == 1 else many or f"{one}s"
    return f"{format_value(count)} {word[:40]}"


def _lower(value: object) -> str:
    return str(format_value(value)).lower()


def _skipping_undefined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a filter so that it returns the undefined values of a lenient template unchanged."""

    @wraps(function)
    def wrapped(value: object, *arguments: object) -> Any:  # noqa: ANN401
        return value if isinstance(value, ChainableUndefined) else function(value, *arguments)

    return wrapped


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda value: abs(_number(value)),
    "bytes": _bytes,
    "default": _default,
    "duration": _duration,
    "first": _first,
    "int": lambda value: int(_number(value)),
    "join": _join,
    "largest": _largest,
    "last": _last,
    "length": _length,
    "lower": _lower,
    "max": _max,
    "min": _min,
    "pick": _pick,
    "plural": _plural,
    "round": _round,
    "shorten": _shorten,
    "sum": _sum,
    "unique": _unique,
    "where": _where,
}
FILTERS: Mapping[str, Callable[..., Any]] = {name: _skipping_undefined(function) for name, function in _FILTERS.items()}
"""Name of a filter -> function."""


def _is_known(value: object) -> bool:
    if isinstance(value, ChainableUndefined):
        return False
    if isinstance(value, Undefined):
        str(value)
    return value is not None


def _starts(value: object, *beginnings: str) -> bool:
    return isinstance(value, str) and value.startswith(beginnings)


def _ends(value: object, *ends: str) -> bool:
    return isinstance(value, str) and value.endswith(ends)


def _is_in(value: object, choices: Iterable[object]) -> bool:
    return value in choices


TESTS: Mapping[str, Callable[..., bool]] = {
    "known": _is_known,
    "none": lambda value: not _is_known(value),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "starting_with": _starts,
    "ending_with": _ends,
    "in": _is_in,
}
"""Name of a test -> function; `x is known` is true if x is not NULL."""
