"""The operand, argument and result types of filters and tests; `bot.runbook.expressions.filters` runs them. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from actions.contract import Unit
from bot.runbook.expressions.filters import COMPARISONS, FILTERS, TESTS
from bot.runbook.expressions.value_types import ANY, COUNT, TEXT, BaseType, ValueType, list_of

_OPERANDS: Mapping[str, tuple[BaseType, ...]] = {
    **dict.fromkeys(("abs", "bytes", "duration", "int", "plural", "round"), (BaseType.NUMBER,)),
    **dict.fromkeys(
        ("first", "join", "largest", "last", "max", "min", "pick", "sum", "unique", "where"), (BaseType.LIST,)
    ),
    "length": (BaseType.LIST, BaseType.TEXT, BaseType.MAPPING),
    "starting_with": (BaseType.TEXT,),
    "ending_with": (BaseType.TEXT,),
}
"""The operand types of those filters and tests that do not accept every type."""
_UNITS = {"bytes": Unit.BYTES, "duration": Unit.SECONDS}
"""Filters that format a number of a given unit."""
_ITEMS: Mapping[str, BaseType] = {"sum": BaseType.NUMBER}
_FIELD_READERS = frozenset({"largest", "pick", "where"})
"""Filters whose first argument is the name of a field of each item."""


@dataclass(frozen=True, slots=True)
class FilterMisuse:
    """Why a filter or test cannot be used like this, and the lint rule that this violates."""

    message: str
    rule: str = "wrong-filter"


def filter_misuse(
    name: str, operand: ValueType, text: str, arguments: int, *, test: bool = False
) -> FilterMisuse | None:
    """Returns why a filter or test cannot be applied to an operand with so many arguments; None if it can."""
    what = f"{'Test' if test else 'Filter'} {name!r}"
    least, most = _argument_counts(name, test)
    if not least <= arguments <= most:
        takes = str(least) if least == most else f"at least {least}" if most > 9 else f"{least} to {most}"
        return FilterMisuse(f"{what} takes {takes} {'argument' if takes == '1' else 'arguments'}, got {arguments}")
    allowed = _OPERANDS.get(name)
    if allowed is not None and operand.is_known and operand.base not in allowed:
        return FilterMisuse(f"{what} requires {' or '.join(each.value for each in allowed)}; {text} is {operand}")
    unit = _UNITS.get(name)
    if unit is not None and operand.unit not in (None, unit):
        return FilterMisuse(f"{what} formats {unit.value}; {text} is {operand}", "unit-mismatch")
    item = _ITEMS.get(name)
    if item is not None and operand.item is not None and operand.item.is_known and operand.item.base is not item:
        return FilterMisuse(f"{what} requires a list of numbers; an item of {text} is {operand.item}")
    return None


def takes_null(name: str) -> bool:
    """Whether a filter or test accepts NULL."""
    return name not in _OPERANDS or name in ("starting_with", "ending_with")


def reads_field(name: str) -> bool:
    """Whether the first argument names a field of the items."""
    return name in _FIELD_READERS


def is_comparison(operator: object) -> bool:
    """Whether `where` supports this operator."""
    return operator in COMPARISONS


def result_type(name: str, operand: ValueType, field: ValueType | None, argument: ValueType | None) -> ValueType:
    """Returns the type of a filter's result; `field` is the type of the item field that the first argument names."""
    item = operand.item or ANY
    match name:
        case "first" | "last" | "largest":
            return item
        case "max" | "min":
            return item.non_null()
        case "where" | "unique":
            return operand.non_null()
        case "pick":
            return list_of(field or ANY)
        case "abs" | "int" | "round":
            number = replace(operand, is_literal=False, value=None, nullable=False)
            return number if operand.base is BaseType.NUMBER else ANY
        case "sum":
            return replace(item, nullable=False, is_literal=False) if item.base is BaseType.NUMBER else ANY
        case "length":
            return COUNT
        case "default":
            return _with_default(operand, argument)
    return TEXT if name in ("join", "duration", "bytes", "shorten", "plural", "lower") else ANY


def _with_default(operand: ValueType, default: ValueType | None) -> ValueType:
    if default is None:
        return ANY if operand.nullable else operand
    if operand.base is not default.base:
        return ANY
    known = operand.literals is not None and default.literals is not None
    literals = (operand.literals or frozenset()) | (default.literals or frozenset()) if known else None
    return replace(operand, nullable=default.nullable, literals=literals, is_literal=False, value=None)


@lru_cache(maxsize=64)
def _argument_counts(name: str, test: bool) -> tuple[int, int]:
    """Returns the least and the most arguments from the function's signature, without the operand."""
    function: Callable[..., object] = inspect.unwrap(TESTS[name] if test else FILTERS[name])
    parameters = list(inspect.signature(function).parameters.values())[1:]
    least = sum(each.default is each.empty and each.kind is not each.VAR_POSITIONAL for each in parameters)
    return least, 99 if any(each.kind is each.VAR_POSITIONAL for each in parameters) else len(parameters)
