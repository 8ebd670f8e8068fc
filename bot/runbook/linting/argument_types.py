"""Whether the value of an expression can be passed to a parameter. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from bot.runbook.expressions.comparability import Operand, TypeMismatch, comparison_mismatch
from bot.runbook.expressions.value_types import BaseType, value_type_of
from bot.runbook.linting.analysis import Argument

_CONVERTIBLE: Mapping[BaseType, frozenset[BaseType]] = {
    BaseType.NUMBER: frozenset({BaseType.NUMBER, BaseType.TEXT, BaseType.BOOLEAN}),  # text such as a variable's value
    BaseType.TEXT: frozenset({BaseType.TEXT}),
    BaseType.BOOLEAN: frozenset({BaseType.BOOLEAN, BaseType.NUMBER, BaseType.TEXT}),
    BaseType.LIST: frozenset({BaseType.LIST}),
    BaseType.MAPPING: frozenset({BaseType.MAPPING, BaseType.RECORD}),
}
"""Type of a parameter -> types of values that can be converted to it."""


def argument_mismatch(argument: Argument) -> TypeMismatch | None:
    """Returns why an expression cannot be passed to its parameter: the rule is wrong-parameter or unit-mismatch."""
    if argument.type is None:
        return None
    expected, actual = value_type_of(argument.annotation), argument.type
    if not (expected.is_known and actual.is_known):
        return None
    text = str(argument.value)[:60]
    if expected.base in _CONVERTIBLE and actual.base not in _CONVERTIBLE[expected.base]:
        message = f"Parameter {argument.name!r} requires {expected}; {text!r} is {actual}"
        return TypeMismatch("wrong-parameter", message)
    if actual.base is not expected.base:
        return None
    mismatch = comparison_mismatch(Operand(actual.non_null(), text), "==", Operand(expected, argument.name))
    if mismatch is None:
        return None
    if mismatch.rule == "unit-mismatch":
        message = f"Parameter {argument.name!r} requires {expected}; {text!r} is {actual.non_null()}"
        return TypeMismatch("unit-mismatch", message)
    return TypeMismatch("wrong-parameter", mismatch.message)
