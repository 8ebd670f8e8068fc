"""Whether one condition follows from another, where that can be decided by looking at them. Pure.

A condition becomes alternatives, each a conjunction of atoms: what an expression is equal to, or is not, or lies
between, as long as the other side is a constant; how two expressions compare; whether a value is true. Of anything else
only the same text is the same. What is too large, or is none of these, decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from jinja2 import nodes

from bot.runbook.expressions.canonical_text import canonical_text

MOST = 48
"""Alternatives of one condition; one with more decides nothing."""

Words: TypeAlias = Callable[[nodes.Node], frozenset[str] | None]
"""All the words that an expression's value can be, None where they are no closed set."""
Constant: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these, or none of them."""

    values: frozenset[Constant]
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Above:
    """The value is above (below, when `below`) a bound, or at it when `at`."""

    bound: float
    at: bool
    below: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """The value is true (not empty, not 0), or is not."""

    true: bool


@dataclass(frozen=True, slots=True)
class Order:
    """How the value compares with another expression: one of == != < <= > >=."""

    sign: str
    other: str


Claim: TypeAlias = OneOf | Above | Truth | Order
Atom: TypeAlias = tuple[str, Claim]
"""The text of an expression, and what is claimed of its value."""
Alternatives: TypeAlias = tuple[frozenset[Atom], ...]

_FLIPPED = {"eq": "eq", "ne": "ne", "gt": "lt", "lt": "gt", "gteq": "lteq", "lteq": "gteq"}
_OPPOSITE = {
    "eq": "ne",
    "ne": "eq",
    "gt": "lteq",
    "lteq": "gt",
    "lt": "gteq",
    "gteq": "lt",
    "in": "notin",
    "notin": "in",
}
_WEAKER: Mapping[str, frozenset[str]] = {
    "eq": frozenset({"eq", "gteq", "lteq"}),
    "gt": frozenset({"gt", "gteq", "ne"}),
    "lt": frozenset({"lt", "lteq", "ne"}),
    "gteq": frozenset({"gteq"}),
    "lteq": frozenset({"lteq"}),
    "ne": frozenset({"ne"}),
}
"""Sign -> the signs that follow from it."""
_ALWAYS: Alternatives = (frozenset(),)


@dataclass(slots=True)
class Condition:
    """A condition as alternatives; None where there are too many."""

    alternatives: Alternatives | None
    words: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def contradicts_itself(self) -> bool:
        """Whether it can never hold."""
        return self.alternatives is not None and not self._possible

    @property
    def _possible(self) -> list[dict[str, Known]]:
        told = (_gathered(atoms, self.words) for atoms in self.alternatives or ())
        return [known for known in told if not any(each.impossible for each in known.values())]

    def implies(self, other: Condition) -> bool:
        """Whether the other one holds whenever this one does; False also where that cannot be decided."""
        if self.alternatives is None or other.alternatives is None:
            return False
        keys = [frozenset(name for name, _ in atoms) for atoms in other.alternatives]
        for known in self._possible:
            names = known.keys()
            if not any(
                wanted <= names and all(known[name].grants(claim) for name, claim in atoms)
                for wanted, atoms in zip(keys, other.alternatives, strict=True)
            ):
                return False
        return True


def condition(tree: nodes.Node, words: Words) -> Condition:
    """Reads a condition from its tree."""
    result = Condition(None)
    result.alternatives = _alternatives(tree, True, words, result.words)
    return result


def _alternatives(
    node: nodes.Node, outcome: bool, words: Words, known: dict[str, frozenset[str]]
) -> Alternatives | None:
    match node:
        case nodes.Not():
            return _alternatives(node.node, not outcome, words, known)
        case nodes.And() | nodes.Or():
            one = _alternatives(node.left, outcome, words, known)
            other = _alternatives(node.right, outcome, words, known)
            if one is None or other is None:
                return None
            if isinstance(node, nodes.Or) == outcome:
                return _bounded(dict.fromkeys((*one, *other)))
            return _bounded(dict.fromkeys(left | right for left in one for right in other))
        case nodes.Const():
            return _ALWAYS if bool(node.value) == outcome else ()
    name, claim = _atom(node, outcome)
    if isinstance(claim, OneOf) and name not in known:
        subject = node.expr if isinstance(node, nodes.Compare) else None
        found = words(subject) if subject is not None and canonical_text(subject) == name else None
        if found is not None:
            known[name] = found
    return (frozenset({(name, claim)}),)


def _bounded(alternatives: Iterable[frozenset[Atom]]) -> Alternatives | None:
    found = tuple(alternatives)
    return found if len(found) <= MOST else None


def _atom(node: nodes.Node, outcome: bool) -> Atom:
    if isinstance(node, nodes.Test) and node.name in ("known", "none"):
        return canonical_text(node.node), OneOf(frozenset({None}), (node.name == "none") == outcome)
    if isinstance(node, nodes.Compare) and len(node.ops) == 1:
        sign = node.ops[0].op if outcome else _OPPOSITE[node.ops[0].op]
        found = _comparison(node.expr, sign, node.ops[0].expr)
        if found is not None:
            return found
    return canonical_text(node), Truth(outcome)


def _comparison(left: nodes.Node, sign: str, right: nodes.Node) -> Atom | None:
    if sign in ("in", "notin"):
        if isinstance(right, nodes.List | nodes.Tuple) and all(isinstance(each, nodes.Const) for each in right.items):
            values = frozenset(each.value for each in right.items if isinstance(each, nodes.Const))
            return canonical_text(left), OneOf(values, sign == "in")
        return None
    if isinstance(left, nodes.Const) and not isinstance(right, nodes.Const):
        left, sign, right = right, _FLIPPED[sign], left
    if isinstance(right, nodes.Const):
        return _with_constant(canonical_text(left), sign, right.value)
    one, other = canonical_text(left), canonical_text(right)
    return (one, Order(sign, other)) if one <= other else (other, Order(_FLIPPED[sign], one))


def _with_constant(name: str, sign: str, value: object) -> Atom | None:
    if isinstance(value, bool):
        return (name, Truth(value == (sign == "eq"))) if sign in ("eq", "ne") else None
    if sign in ("eq", "ne") and (value is None or isinstance(value, str | int | float)):
        return name, OneOf(frozenset({value}), sign == "eq")
    if isinstance(value, int | float) and sign in ("gt", "gteq", "lt", "lteq"):
        return name, Above(float(value), sign.endswith("eq"), sign.startswith("lt"))
    return None


@dataclass(slots=True)
class Known:
    """All that a conjunction says of one expression."""

    allowed: frozenset[Constant] | None = None
    excluded: frozenset[Constant] = frozenset()
    low: tuple[float, bool] = (-math.inf, True)
    """The bound, and whether the value may be at it."""
    high: tuple[float, bool] = (math.inf, True)
    true: bool | None = None
    orders: frozenset[Order] = frozenset()
    impossible: bool = False

    def add(self, claim: Claim) -> None:
        match claim:
            case OneOf(values, True):
                self.allowed = values if self.allowed is None else self.allowed & values
            case OneOf(values, False):
                self.excluded |= values
            case Above(bound, at, False):
                self.low = max(self.low, (bound, at), key=lambda each: (each[0], not each[1]))
            case Above(bound, at, True):
                self.high = min(self.high, (bound, at), key=lambda each: (each[0], each[1]))
            case Truth(true):
                self.impossible |= self.true is (not true)
                self.true = true
            case Order():
                self.orders |= {claim}

    def settle(self, words: frozenset[str] | None) -> None:
        """Draws the conclusions, once everything is said."""
        if self.allowed is None and words is not None and self.excluded:
            self.allowed = words
        if self.allowed is not None:
            self.allowed = frozenset(each for each in self.allowed if self._may_be(each))
            self.impossible |= not self.allowed
        (low, at_low), (high, at_high) = self.low, self.high
        self.impossible |= low > high or (low == high and not (at_low and at_high))

    def _may_be(self, value: Constant) -> bool:
        if value in self.excluded or (self.true is not None and bool(value) is not self.true):
            return False
        bounded = self.low[0] > -math.inf or self.high[0] < math.inf
        if not bounded:
            return True
        return isinstance(value, int | float) and self._above(float(value)) and self._below(float(value))

    def _above(self, value: float) -> bool:
        return value > self.low[0] or (value == self.low[0] and self.low[1])

    def _below(self, value: float) -> bool:
        return value < self.high[0] or (value == self.high[0] and self.high[1])

    def grants(self, claim: Claim) -> bool:
        """Whether the claim follows."""
        match claim:
            case OneOf(values, inside):
                if inside:
                    return self.allowed is not None and self.allowed <= values
                return all(self._is_not(value) for value in values)
            case Above(bound, at, below):
                return self._lies(bound, at, below)
            case Truth(true):
                return self._is_true() if true else self._is_false()
            case Order(sign, other):
                return any(each.other == other and sign in _WEAKER[each.sign] for each in self.orders)

    def _is_not(self, value: Constant) -> bool:
        if value in self.excluded or (self.allowed is not None and value not in self.allowed):
            return True
        bounded = self.low[0] > -math.inf or self.high[0] < math.inf
        if isinstance(value, int | float):
            return bounded and not (self._above(float(value)) and self._below(float(value)))
        return bounded or (value is None and (self.true is True or bool(self.orders)))

    def _lies(self, bound: float, at: bool, below: bool) -> bool:
        if self.allowed is not None:
            numbers = [float(each) for each in self.allowed if isinstance(each, int | float)]
            inside = [each < bound if below else each > bound for each in numbers]
            return len(numbers) == len(self.allowed) and all(
                strictly or (at and number == bound) for strictly, number in zip(inside, numbers, strict=True)
            )
        mine, mine_at = self.high if below else self.low
        beyond = mine < bound if below else mine > bound
        return beyond or (mine == bound and (at or not mine_at))

    def _is_true(self) -> bool:
        if self.true is not None:
            return self.true
        if self.allowed is not None:
            return all(self.allowed)
        return not (self._above(0.0) and self._below(0.0))

    def _is_false(self) -> bool:
        return self.true is False or (self.allowed is not None and not any(self.allowed))


def _gathered(atoms: frozenset[Atom], words: Mapping[str, frozenset[str]]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for name, claim in atoms:
        found.setdefault(name, Known()).add(claim)
    for name, known in found.items():
        known.settle(words.get(name))
    return found
