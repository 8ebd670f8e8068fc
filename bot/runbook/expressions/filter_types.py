"""What a filter or a test of an expression takes and returns; `bot.runbook.expressions.filters` runs it. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from actions.contract import Unit
from bot.runbook.expressions.filters import COMPARISONS, FILTERS, TESTS
from bot.runbook.expressions.value_types import ANY, COUNT, TEXT, Base, Kind, list_of

_NEEDS: Mapping[str, tuple[Base, ...]] = {
    **dict.fromkeys(("abs", "bytes", "duration", "int", "plural", "round"), (Base.NUMBER,)),
    **dict.fromkeys(("first", "join", "largest", "last", "max", "min", "pick", "sum", "unique", "where"), (Base.LIST,)),
    "length": (Base.LIST, Base.TEXT, Base.MAPPING),
    "starting_with": (Base.TEXT,),
    "ending_with": (Base.TEXT,),
}
"""Filters and tests that do not take everything, with the kinds that they take."""
_UNITS = {"bytes": Unit.BYTES, "duration": Unit.SECONDS}
"""Filters that write a unit after a number."""
_OF_ITEMS: Mapping[str, Base] = {"sum": Base.NUMBER}
_FIELD = frozenset({"largest", "pick", "where"})
"""Filters whose first argument is the name of a field of each item."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a filter does not take."""

    says: str
    rule: str = "wrong-filter"


def misuse(name: str, kind: Kind, shown: str, arguments: int, *, test: bool = False) -> Wrong | None:
    """What is wrong with a filter or test on a value of this kind, with so many arguments; None where nothing is."""
    what = f"{'the test' if test else 'the filter'} {name!r}"
    least, most = _counts(name, test)
    if not least <= arguments <= most:
        takes = str(least) if least == most else f"at least {least}" if most > 9 else f"{least} to {most}"
        return Wrong(f"{what} takes {takes} {'argument' if takes == '1' else 'arguments'}, not {arguments}")
    wanted = _NEEDS.get(name)
    if wanted is not None and kind.known and kind.base not in wanted:
        return Wrong(f"{what} takes {' or '.join(each.value for each in wanted)}, and {shown} is {kind}")
    unit = _UNITS.get(name)
    if unit is not None and kind.unit not in (None, unit):
        return Wrong(f"{what} writes {unit.value}, and {shown} is {kind}", "unit-mismatch")
    inner = _OF_ITEMS.get(name)
    if inner is not None and kind.item is not None and kind.item.known and kind.item.base is not inner:
        return Wrong(f"{what} takes a list of numbers, and an item of {shown} is {kind.item}")
    return None


def takes_null(name: str) -> bool:
    """Whether a filter or test has an answer for an empty value."""
    return name not in _NEEDS or name in ("starting_with", "ending_with")


def reads_field(name: str) -> bool:
    """Whether the first argument names a field of the items."""
    return name in _FIELD


def is_comparison(operator: object) -> bool:
    """Whether `where` knows this word between a field and a value."""
    return operator in COMPARISONS


def result(name: str, kind: Kind, field: Kind | None, other: Kind | None) -> Kind:
    """What a filter makes of a value; `field` is the field that its first argument names, `other` that argument."""
    item = kind.item or ANY
    match name:
        case "first" | "last" | "largest":
            return item
        case "max" | "min":
            return item.there()
        case "where" | "unique":
            return kind.there()
        case "pick":
            return list_of(field or ANY)
        case "abs" | "int" | "round":
            return replace(kind, constant=False, value=None, nullable=False) if kind.base is Base.NUMBER else ANY
        case "sum":
            return replace(item, nullable=False, constant=False) if item.base is Base.NUMBER else ANY
        case "length":
            return COUNT
        case "default":
            return _either(kind, other)
    return TEXT if name in ("join", "duration", "bytes", "shorten", "plural", "lower") else ANY


def _either(kind: Kind, instead: Kind | None) -> Kind:
    if instead is None:
        return ANY if kind.nullable else kind
    if kind.base is not instead.base:
        return ANY
    words = kind.words | instead.words if kind.words is not None and instead.words is not None else None
    return replace(kind, nullable=instead.nullable, words=words, constant=False, value=None)


@lru_cache(maxsize=64)
def _counts(name: str, test: bool) -> tuple[int, int]:
    """The least and the most arguments, from the function's own signature; the value itself is none of them."""
    function: Callable[..., object] = inspect.unwrap(TESTS[name] if test else FILTERS[name])
    taken = list(inspect.signature(function).parameters.values())[1:]
    least = sum(each.default is each.empty and each.kind is not each.VAR_POSITIONAL for each in taken)
    return least, 99 if any(each.kind is each.VAR_POSITIONAL for each in taken) else len(taken)
