"""The filters and tests of expressions; each is bounded by the size of what it is given. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from jinja2 import ChainableUndefined, Undefined

from bot.runbook.language import units

MAX_SHOWN = 500
"""Characters of one value that are shown in a sentence."""


def show(value: object) -> object:
    """A value as it stands in a sentence: None is `unknown`, whole floats lose their `.0`, long text is cut."""
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
        return _cut(", ".join(str(show(each)) for each in value[:50]))
    return _cut(str(value))


def _cut(text: str, length: int = MAX_SHOWN) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def is_property(kind: type, name: str) -> bool:
    """Whether a class of evidence offers this as a property: a reading of its own fields under a name of its own."""
    return not name.startswith("_") and isinstance(getattr(kind, name, None), property)


def _items(value: object) -> Sequence[Any]:
    if isinstance(value, Undefined):
        str(value)  # raises with the name
    if isinstance(value, list | tuple):
        return value
    raise TypeError(f"this filter takes a list, not {type(value).__name__}")


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
"""What `where` can ask of a field."""


def _where(value: object, name: str, comparison: str = "truth", other: object = None) -> list[Any]:
    """Items whose field holds: `waits | where("age", ">", 30)`, `threads | where("running")`."""
    if comparison == "truth":
        return [item for item in _items(value) if _field(item, name)]
    if comparison not in COMPARISONS:
        raise TypeError(f"where() knows {', '.join(COMPARISONS)}, not {comparison!r}")
    return [item for item in _items(value) if COMPARISONS[comparison](_field(item, name), other)]


def _pick(value: object, name: str) -> list[Any]:
    """One field of every item: `threads | pick("user")`."""
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
    """The item whose field is the largest: `threads | largest("age")`."""
    _first(value)
    return max(_items(value), key=lambda item: _field(item, name) or 0)


def _length(value: object) -> int:
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise TypeError(f"length takes text or a list, not {type(value).__name__}")


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
    raise TypeError(f"a number is needed here, not {'an empty value' if value is None else type(value).__name__}")


def _unique(value: object) -> list[Any]:
    kept: list[Any] = []
    for item in _items(value)[:1000]:
        if item not in kept:
            kept.append(item)
    return kept


def _join(value: object, separator: str = ", ") -> str:
    return _cut(str(separator)[:10].join(str(show(item)) for item in _items(value)[:100]), 2000)


def _default(value: object, instead: object = "") -> object:
    """The value, or something instead where it is empty (NULL)."""
    if isinstance(value, Undefined):
        str(value)
    return instead if value is None else value


def _duration(value: object) -> str:
    return units.show_seconds(_number(value))


def _bytes(value: object) -> str:
    return units.show_bytes(_number(value))


def _shorten(value: object, length: int = 120) -> str:
    return _cut(" ".join(str(show(value)).split()), max(1, min(int(length), MAX_SHOWN)))


def _plural(value: object, one: str, many: str | None = None) -> str:
    """A count with its word: `3 | plural("thread")` is `3 threads`."""
    count = _number(value)
    word = one if count == 1 else many or f"{one}s"
    return f"{show(count)} {word[:40]}"


def _lower(value: object) -> str:
    return str(show(value)).lower()


def _passing(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that leaves the unknown of a lenient sentence as it is."""

    @wraps(function)
    def passed(value: object, *arguments: object) -> Any:  # noqa: ANN401
        return value if isinstance(value, ChainableUndefined) else function(value, *arguments)

    return passed


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
FILTERS: Mapping[str, Callable[..., Any]] = {name: _passing(function) for name, function in _FILTERS.items()}
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
"""Name of a test -> function; `x is known` holds where x is not empty (NULL)."""
