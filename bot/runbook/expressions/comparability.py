"""Type rules for comparisons and arithmetic on two operands. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from actions.contract import Unit
from bot.runbook.expressions.value_types import ANY, NUMBER, TEXT, BaseType, ValueType
from bot.runbook.language import units
from bot.runbook.language.signatures import suggestion_for

_ORDERING = frozenset({">", ">=", "<", "<="})
_MAX_LISTED = 8
"""The most literals of a closed set that a message lists."""
_PARSERS: Mapping[Unit, Callable[[object], float]] = {
    Unit.SECONDS: units.seconds,
    Unit.BYTES: units.size,
    Unit.PERCENT: units.percent,
}


@dataclass(frozen=True, slots=True)
class TypeMismatch:
    """Why two operands cannot be combined, and the lint rule that this violates."""

    rule: str
    message: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand of an operator: its type, and its source text for messages."""

    type: ValueType
    text: str

    def __str__(self) -> str:
        return f"{self.text} ({self.type})"


def comparison_mismatch(left: Operand, operator: str, right: Operand) -> TypeMismatch | None:
    """Returns why a comparison is a mistake; None if it can be true for some evidence, or if a type is unknown."""
    if operator in ("in", "not in"):
        return _membership_mismatch(left, right)
    if operator == "contains":
        return _membership_mismatch(right, left)
    if not (left.type.is_known and right.type.is_known) or BaseType.NULL in (left.type.base, right.type.base):
        return _null_mismatch(left, operator, right)
    bases = {left.type.base, right.type.base}
    if bases == {BaseType.NUMBER, BaseType.BOOLEAN} and operator not in _ORDERING:
        return None  # true equals 1
    if operator in _ORDERING and (len(bases) > 1 or not bases <= {BaseType.NUMBER, BaseType.TEXT}):
        return TypeMismatch("incomparable", f"Cannot order {left} and {right}", _number_for_text(left, right))
    if len(bases) > 1:
        message = f"{left} and {right} have different types and are never equal"
        return TypeMismatch("incomparable", message, _number_for_text(left, right))
    unit_mismatch = _unit_mismatch(left, right, f"Cannot compare {left} with {right}")
    return unit_mismatch or (None if operator in _ORDERING else _literal_mismatch(left, right))


def _null_mismatch(left: Operand, operator: str, right: Operand) -> TypeMismatch | None:
    if operator in _ORDERING and BaseType.NULL in (left.type.base, right.type.base):
        return TypeMismatch("incomparable", f"Cannot order {left} and {right}", "use `is known` or `is none`")
    return None


def _membership_mismatch(item: Operand, container: Operand) -> TypeMismatch | None:
    """Checks `in`: an item in a list, a text in a text, or a key in a mapping."""
    if not container.type.is_known or container.type.base is BaseType.NULL:
        return None
    if container.type.base is BaseType.LIST:
        element = container.type.item or ANY
        if element.nullable or item.type.nullable:
            return None
        return comparison_mismatch(item, "==", Operand(element, f"an item of {container.text}"))
    if container.type.base not in (BaseType.TEXT, BaseType.MAPPING):
        return TypeMismatch(
            "incomparable", f"`in` requires a list, a text or a mapping; {container.text} is {container.type}"
        )
    if item.type.is_known and item.type.base is not BaseType.TEXT:
        return TypeMismatch("incomparable", f"{item} is never in {container}")
    return None


def _literal_mismatch(left: Operand, right: Operand) -> TypeMismatch | None:
    """Checks an equality between closed sets of literals: it is a mistake if they have no literal in common."""
    left_literals, right_literals = left.type.literals, right.type.literals
    if left_literals is None or right_literals is None or left_literals & right_literals:
        return None
    field, other = (left, right) if right.type.is_literal or not left.type.is_literal else (right, left)
    allowed = sorted(field.type.literals or ())
    listed = ", ".join(map(repr, allowed[:_MAX_LISTED])) + (", ..." if len(allowed) > _MAX_LISTED else "")
    value = str(other.type.value) if other.type.is_literal else next(iter(sorted(other.type.literals or ())))
    message = f"{field.text} never equals {other.text}; its possible values are {listed}"
    same_word = next((each for each in allowed if each.lower() == value.lower()), None)
    suggestion = f"did you mean {same_word!r}?" if same_word else suggestion_for(value, allowed)
    return TypeMismatch("never-equal", message, suggestion)


def _unit_mismatch(left: Operand, right: Operand, message: str) -> TypeMismatch | None:
    left_unit, right_unit = left.type.unit, right.type.unit
    if left_unit is None or right_unit is None or left_unit is right_unit:
        return None
    return TypeMismatch("unit-mismatch", message)


def _number_for_text(left: Operand, right: Operand) -> str:
    """Suggests the number that a text such as `30s` stands for, in the unit of the other operand."""
    text, number = (right.type, left.type) if left.type.base is BaseType.NUMBER else (left.type, right.type)
    if not text.is_literal or not isinstance(text.value, str) or number.base is not BaseType.NUMBER:
        return ""
    unit = number.unit or Unit.COUNT
    try:
        value = _PARSERS.get(unit, float)(text.value)
    except (ValueError, OverflowError):
        return ""
    return f"write {value:g}" + (f" ({unit.value})" if unit in _PARSERS else "")


def arithmetic_type(left: Operand, sign: str, right: Operand) -> ValueType | TypeMismatch:
    """Returns the type of a sum, difference, product or quotient, or why the operands do not allow one."""
    for operand in (left, right):
        if operand.type.is_known and operand.type.base not in (BaseType.NUMBER, BaseType.NULL):
            return _concatenation_type(left, sign, right, operand)
    if not (left.type.is_known and right.type.is_known):
        return NUMBER if sign != "+" else ANY
    left_unit, right_unit = left.type.unit, right.type.unit
    if sign == "-" and left_unit is Unit.MOMENT and right_unit is Unit.MOMENT:
        return replace(NUMBER, unit=Unit.SECONDS)
    if sign in ("+", "-"):
        message = f"Cannot add {left} and {right}" if sign == "+" else f"Cannot subtract {right} from {left}"
        return _unit_mismatch(left, right, message) or replace(NUMBER, unit=left_unit or right_unit)
    if sign == "*":
        return replace(NUMBER, unit=_product_unit(left_unit, right_unit))
    return replace(NUMBER, unit=left_unit if sign == "%" else _quotient_unit(left_unit, right_unit))


def _concatenation_type(left: Operand, sign: str, right: Operand, invalid: Operand) -> ValueType | TypeMismatch:
    """Types `+` on texts and lists, each of which can be added to its own type only."""
    if sign == "+" and invalid.type.base in (BaseType.TEXT, BaseType.LIST):
        other = right if invalid is left else left
        if other.type.base is invalid.type.base:
            return TEXT if invalid.type.base is BaseType.TEXT else ANY
        if not other.type.is_known:
            return ANY
        return TypeMismatch("wrong-operand", f"Cannot add {left} and {right}", "join texts with ~")
    return TypeMismatch("wrong-operand", f"Operator {sign} requires numbers; {invalid.text} is {invalid.type}")


_DIMENSIONLESS = (None, Unit.COUNT, Unit.PERCENT)


def _product_unit(left: Unit | None, right: Unit | None) -> Unit | None:
    if left is None or right is None:
        return left or right
    if left in _DIMENSIONLESS and right in _DIMENSIONLESS:
        return left if right is Unit.PERCENT else right
    return left if right in _DIMENSIONLESS else right if left in _DIMENSIONLESS else None


def _quotient_unit(left: Unit | None, right: Unit | None) -> Unit | None:
    """Returns None for a ratio: 80% / 100 is 0.8, which has no unit."""
    if left in (Unit.PERCENT, Unit.COUNT) or left is right:
        return None
    return left if right in _DIMENSIONLESS else None
