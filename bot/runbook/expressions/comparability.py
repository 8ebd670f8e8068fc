"""Which comparisons and sums of two kinds of values make sense. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from actions.contract import Unit
from bot.runbook.expressions.value_types import ANY, NUMBER, TEXT, Base, Kind
from bot.runbook.language import units
from bot.runbook.language.signatures import nearest

_ORDER = frozenset({">", ">=", "<", "<="})
_MOST_WORDS = 8
"""Words of a closed set that a sentence lists."""
_READ: Mapping[Unit, Callable[[object], float]] = {
    Unit.SECONDS: units.seconds,
    Unit.BYTES: units.size,
    Unit.PERCENT: units.percent,
}


@dataclass(frozen=True, slots=True)
class Clash:
    """Why two values do not go together."""

    rule: str
    says: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an operator: its kind, and its text for sentences."""

    kind: Kind
    shown: str

    def __str__(self) -> str:
        return f"{self.shown} is {self.kind}"


def compared(left: Side, operator: str, right: Side) -> Clash | None:
    """What is wrong with a comparison; None where it may hold for some evidence, or where too little is known."""
    if operator in ("in", "not in"):
        return _within(left, right)
    if operator == "contains":
        return _within(right, left)
    if not (left.kind.known and right.kind.known) or Base.NOTHING in (left.kind.base, right.kind.base):
        return _of_nothing(left, operator, right)
    bases = {left.kind.base, right.kind.base}
    if bases == {Base.NUMBER, Base.BOOLEAN} and operator not in _ORDER:
        return None  # true equals 1
    if len(bases) > 1 or (operator in _ORDER and not bases <= {Base.NUMBER, Base.TEXT}):
        what = "they have no order" if operator in _ORDER else "they are never equal"
        return Clash("incomparable", f"{left}, and {right}; {what}", _as_number(left, right))
    return _of_units(left, right, "compared") or (None if operator in _ORDER else _of_words(left, right))


def _of_nothing(left: Side, operator: str, right: Side) -> Clash | None:
    if operator in _ORDER and Base.NOTHING in (left.kind.base, right.kind.base):
        return Clash("incomparable", f"{left}, and {right}; they have no order", "ask with `is known`")
    return None


def _within(item: Side, whole: Side) -> Clash | None:
    """`in`: an item in a list, a text in a text, a name in a mapping."""
    if not whole.kind.known or whole.kind.base is Base.NOTHING:
        return None
    if whole.kind.base is Base.LIST:
        inside = whole.kind.item or ANY
        if inside.nullable or item.kind.nullable:
            return None
        return compared(item, "==", Side(inside, f"an item of {whole.shown}"))
    if whole.kind.base not in (Base.TEXT, Base.MAPPING):
        return Clash("incomparable", f"{whole}, so nothing is in it")
    if item.kind.known and item.kind.base is not Base.TEXT:
        return Clash("incomparable", f"{item}, which is never in {whole.shown} ({whole.kind})")
    return None


def _of_words(left: Side, right: Side) -> Clash | None:
    one, other = left.kind.words, right.kind.words
    if one is None or other is None or one & other:
        return None
    if right.kind.constant or not left.kind.constant:
        field, word = left, right
    else:
        field, word = right, left
    known = sorted(field.kind.words or ())
    listed = ", ".join(map(repr, known[:_MOST_WORDS])) + (", ..." if len(known) > _MOST_WORDS else "")
    value = str(word.kind.value) if word.kind.constant else next(iter(sorted(word.kind.words or ())))
    says = f"{field.shown} is never {word.shown}; it is {'one of ' if len(known) > 1 else ''}{listed}"
    same = next((each for each in known if each.lower() == value.lower()), None)
    return Clash("never-equal", says, f"did you mean {same!r}?" if same else nearest(value, known))


def _of_units(left: Side, right: Side, done: str) -> Clash | None:
    one, other = left.kind.unit, right.kind.unit
    if one is None or other is None or one is other:
        return None
    return Clash("unit-mismatch", f"{left}, and {right}; they cannot be {done}")


def _as_number(left: Side, right: Side) -> str:
    """The number that a text such as `30s` stands for, in the unit of the other side."""
    text, number = (right.kind, left.kind) if left.kind.base is Base.NUMBER else (left.kind, right.kind)
    if not text.constant or not isinstance(text.value, str) or number.base is not Base.NUMBER:
        return ""
    unit = number.unit or Unit.COUNT
    try:
        value = _READ.get(unit, float)(text.value)
    except (ValueError, OverflowError):
        return ""
    return f"write {value:g}" + (f", in {unit.value}" if unit in _READ else "")


def calculated(left: Side, sign: str, right: Side) -> Kind | Clash:
    """The kind of a sum, product or quotient, or why there is none."""
    for side in (left, right):
        if side.kind.known and side.kind.base not in (Base.NUMBER, Base.NOTHING):
            return _joined(left, sign, right, side)
    if not (left.kind.known and right.kind.known):
        return NUMBER if sign != "+" else ANY
    one, other = left.kind.unit, right.kind.unit
    if sign == "-" and one is Unit.MOMENT and other is Unit.MOMENT:
        return replace(NUMBER, unit=Unit.SECONDS)
    if sign in ("+", "-"):
        return _of_units(left, right, "added" if sign == "+" else "subtracted") or replace(NUMBER, unit=one or other)
    return replace(NUMBER, unit=_product(one, other) if sign == "*" else one if sign == "%" else _quotient(one, other))


def _joined(left: Side, sign: str, right: Side, wrong: Side) -> Kind | Clash:
    """Texts and lists can be added to their like."""
    if sign == "+" and wrong.kind.base in (Base.TEXT, Base.LIST):
        other = right if wrong is left else left
        if other.kind.base is wrong.kind.base:
            return TEXT if wrong.kind.base is Base.TEXT else ANY
        if not other.kind.known:
            return ANY
        return Clash("wrong-operand", f"{left}, and {right}; they cannot be added", "join texts with ~")
    return Clash("wrong-operand", f"{wrong}, and {sign} takes numbers")


_PLAIN = (None, Unit.COUNT, Unit.PERCENT)


def _product(one: Unit | None, other: Unit | None) -> Unit | None:
    if one is None or other is None:
        return one or other
    if one in _PLAIN and other in _PLAIN:
        return one if other is Unit.PERCENT else other
    return one if other in _PLAIN else other if one in _PLAIN else None


def _quotient(one: Unit | None, other: Unit | None) -> Unit | None:
    """A share is plain again: 80% / 100 is 0.8, and what it is multiplied by or compared with nobody knows."""
    if one in (Unit.PERCENT, Unit.COUNT) or one is other:
        return None
    return one if other in _PLAIN else None
