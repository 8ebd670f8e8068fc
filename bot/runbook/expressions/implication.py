"""Decides whether one condition implies another, as far as a comparison of their terms can. Pure.

A condition is converted to disjunctive normal form: alternatives, each a conjunction of atoms. An atom states that an
expression equals one of some constants or none of them, lies above or below a constant, compares with another
expression, or is true or false. Two terms of any other form are the same only if their text is. A condition with too
many alternatives implies nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from jinja2 import nodes

from bot.runbook.expressions.canonical_text import canonical_text

MAX_ALTERNATIVES = 48
"""A condition with more alternatives is not analysed."""

LiteralsOf: TypeAlias = Callable[[nodes.Node], frozenset[str] | None]
"""Returns the possible values of a text expression, None if they are not a closed set."""
Constant: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these constants, or none of them."""

    values: frozenset[Constant]
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Bound:
    """The value is above a limit, or below it if `is_upper`; the limit itself is allowed if `inclusive`."""

    limit: float
    inclusive: bool
    is_upper: bool = False


@dataclass(frozen=True, slots=True)
class Truthiness:
    """The value is true (not empty, not 0) or false."""

    true: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The value compares with another expression by an operator of Jinja2: eq, ne, lt, lteq, gt or gteq."""

    operator: str
    other: str


Constraint: TypeAlias = OneOf | Bound | Truthiness | Comparison
Atom: TypeAlias = tuple[str, Constraint]
"""The canonical text of an expression, and a constraint on its value."""
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
"""Operator -> the operators that it implies."""
_ALWAYS: Alternatives = (frozenset(),)


@dataclass(slots=True)
class Condition:
    """A condition in disjunctive normal form; `alternatives` is None if there are too many."""

    alternatives: Alternatives | None
    literals: dict[str, frozenset[str]] = field(default_factory=dict)
    """Expression -> its possible values, if they are a closed set."""

    @property
    def contradicts_itself(self) -> bool:
        """Whether the condition can never be true."""
        return self.alternatives is not None and not self._possible

    @property
    def _possible(self) -> list[dict[str, Constraints]]:
        conjunctions = (_constraints_by_name(atoms, self.literals) for atoms in self.alternatives or ())
        return [known for known in conjunctions if not any(each.contradictory for each in known.values())]

    def implies(self, other: Condition) -> bool:
        """Whether the other condition is true whenever this one is; False if that cannot be decided."""
        if self.alternatives is None or other.alternatives is None:
            return False
        keys = [frozenset(name for name, _ in atoms) for atoms in other.alternatives]
        for known in self._possible:
            names = known.keys()
            if not any(
                required <= names and all(known[name].implies_constraint(constraint) for name, constraint in atoms)
                for required, atoms in zip(keys, other.alternatives, strict=True)
            ):
                return False
        return True


def condition(tree: nodes.Node, literals_of: LiteralsOf) -> Condition:
    """Converts a syntax tree to a Condition."""
    result = Condition(None)
    result.alternatives = _alternatives(tree, True, literals_of, result.literals)
    return result


def _alternatives(
    node: nodes.Node, outcome: bool, literals_of: LiteralsOf, known: dict[str, frozenset[str]]
) -> Alternatives | None:
    match node:
        case nodes.Not():
            return _alternatives(node.node, not outcome, literals_of, known)
        case nodes.And() | nodes.Or():
            one = _alternatives(node.left, outcome, literals_of, known)
            other = _alternatives(node.right, outcome, literals_of, known)
            if one is None or other is None:
                return None
            if isinstance(node, nodes.Or) == outcome:
                return _limited(dict.fromkeys((*one, *other)))
            return _limited(dict.fromkeys(left | right for left in one for right in other))
        case nodes.Const():
            return _ALWAYS if bool(node.value) == outcome else ()
    name, constraint = _atom(node, outcome)
    if isinstance(constraint, OneOf) and name not in known:
        subject = node.expr if isinstance(node, nodes.Compare) else None
        found = literals_of(subject) if subject is not None and canonical_text(subject) == name else None
        if found is not None:
            known[name] = found
    return (frozenset({(name, constraint)}),)


def _limited(alternatives: Iterable[frozenset[Atom]]) -> Alternatives | None:
    found = tuple(alternatives)
    return found if len(found) <= MAX_ALTERNATIVES else None


def _atom(node: nodes.Node, outcome: bool) -> Atom:
    if isinstance(node, nodes.Test) and node.name in ("known", "none"):
        return canonical_text(node.node), OneOf(frozenset({None}), (node.name == "none") == outcome)
    if isinstance(node, nodes.Compare) and len(node.ops) == 1:
        operator = node.ops[0].op if outcome else _OPPOSITE[node.ops[0].op]
        found = _comparison(node.expr, operator, node.ops[0].expr)
        if found is not None:
            return found
    return canonical_text(node), Truthiness(outcome)


def _comparison(left: nodes.Node, operator: str, right: nodes.Node) -> Atom | None:
    if operator in ("in", "notin"):
        if isinstance(right, nodes.List | nodes.Tuple) and all(isinstance(each, nodes.Const) for each in right.items):
            values = frozenset(each.value for each in right.items if isinstance(each, nodes.Const))
            return canonical_text(left), OneOf(values, operator == "in")
        return None
    if isinstance(left, nodes.Const) and not isinstance(right, nodes.Const):
        left, operator, right = right, _FLIPPED[operator], left
    if isinstance(right, nodes.Const):
        return _with_constant(canonical_text(left), operator, right.value)
    one, other = canonical_text(left), canonical_text(right)
    return (one, Comparison(operator, other)) if one <= other else (other, Comparison(_FLIPPED[operator], one))


def _with_constant(name: str, operator: str, value: object) -> Atom | None:
    if isinstance(value, bool):
        return (name, Truthiness(value == (operator == "eq"))) if operator in ("eq", "ne") else None
    if operator in ("eq", "ne") and (value is None or isinstance(value, str | int | float)):
        return name, OneOf(frozenset({value}), operator == "eq")
    if isinstance(value, int | float) and operator in ("gt", "gteq", "lt", "lteq"):
        return name, Bound(float(value), operator.endswith("eq"), operator.startswith("lt"))
    return None


@dataclass(slots=True)
class Constraints:
    """All constraints of a conjunction on one expression."""

    allowed: frozenset[Constant] | None = None
    excluded: frozenset[Constant] = frozenset()
    low: tuple[float, bool] = (-math.inf, True)
    """The lower limit, and whether it is inclusive."""
    high: tuple[float, bool] = (math.inf, True)
    true: bool | None = None
    comparisons: frozenset[Comparison] = frozenset()
    contradictory: bool = False

    def add(self, constraint: Constraint) -> None:
        match constraint:
            case OneOf(values, True):
                self.allowed = values if self.allowed is None else self.allowed & values
            case OneOf(values, False):
                self.excluded |= values
            case Bound(limit, inclusive, False):
                self.low = max(self.low, (limit, inclusive), key=lambda each: (each[0], not each[1]))
            case Bound(limit, inclusive, True):
                self.high = min(self.high, (limit, inclusive), key=lambda each: (each[0], each[1]))
            case Truthiness(true):
                self.contradictory |= self.true is (not true)
                self.true = true
            case Comparison():
                self.comparisons |= {constraint}

    def combine(self, literals: frozenset[str] | None) -> None:
        """Combines the constraints after all have been added."""
        if self.allowed is None and literals is not None and self.excluded:
            self.allowed = literals
        if self.allowed is not None:
            self.allowed = frozenset(each for each in self.allowed if self._may_be(each))
            self.contradictory |= not self.allowed
        (low, low_inclusive), (high, high_inclusive) = self.low, self.high
        self.contradictory |= low > high or (low == high and not (low_inclusive and high_inclusive))

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

    def implies_constraint(self, constraint: Constraint) -> bool:
        """Whether these constraints imply another one."""
        match constraint:
            case OneOf(values, inside):
                if inside:
                    return self.allowed is not None and self.allowed <= values
                return all(self._is_not(value) for value in values)
            case Bound(limit, inclusive, is_upper):
                return self._is_beyond(limit, inclusive, is_upper)
            case Truthiness(true):
                return self._is_true() if true else self._is_false()
            case Comparison(operator, other):
                return any(each.other == other and operator in _WEAKER[each.operator] for each in self.comparisons)

    def _is_not(self, value: Constant) -> bool:
        if value in self.excluded or (self.allowed is not None and value not in self.allowed):
            return True
        bounded = self.low[0] > -math.inf or self.high[0] < math.inf
        if isinstance(value, int | float):
            return bounded and not (self._above(float(value)) and self._below(float(value)))
        return bounded or (value is None and (self.true is True or bool(self.comparisons)))

    def _is_beyond(self, limit: float, inclusive: bool, is_upper: bool) -> bool:
        if self.allowed is not None:
            numbers = [float(each) for each in self.allowed if isinstance(each, int | float)]
            inside = [each < limit if is_upper else each > limit for each in numbers]
            return len(numbers) == len(self.allowed) and all(
                is_inside or (inclusive and number == limit) for is_inside, number in zip(inside, numbers, strict=True)
            )
        own, own_inclusive = self.high if is_upper else self.low
        beyond = own < limit if is_upper else own > limit
        return beyond or (own == limit and (inclusive or not own_inclusive))

    def _is_true(self) -> bool:
        if self.true is not None:
            return self.true
        if self.allowed is not None:
            return all(self.allowed)
        return not (self._above(0.0) and self._below(0.0))

    def _is_false(self) -> bool:
        return self.true is False or (self.allowed is not None and not any(self.allowed))


def _constraints_by_name(atoms: frozenset[Atom], literals: Mapping[str, frozenset[str]]) -> dict[str, Constraints]:
    found: dict[str, Constraints] = {}
    for name, constraint in atoms:
        found.setdefault(name, Constraints()).add(constraint)
    for name, known in found.items():
        known.combine(literals.get(name))
    return found
