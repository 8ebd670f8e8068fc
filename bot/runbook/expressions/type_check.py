"""Types every part of an expression against the declared evidence, and tells what cannot be. Pure.

What is not declared is ANY, and of that nothing is said: a runbook that works is never told that it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from bot.runbook.expressions import filter_types
from bot.runbook.expressions.canonical_text import OPERATORS, shown, start, written
from bot.runbook.expressions.comparability import Clash, Side, calculated, compared
from bot.runbook.expressions.nullability import known_after
from bot.runbook.expressions.syntax import children
from bot.runbook.expressions.value_types import (
    ANY,
    BOOLEAN,
    NUMBER,
    TEXT,
    Base,
    Kind,
    constant,
    joined,
    kind_of,
    list_of,
)
from bot.runbook.language.signatures import nearest

_SIGNS = {nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/", nodes.FloorDiv: "//", nodes.Mod: "%"}
_ORDER = frozenset({"gt", "gteq", "lt", "lteq"})
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """What is wrong in an expression, at a character of its source (from 0)."""

    at: int
    rule: str
    says: str
    suggestion: str = ""


@dataclass(slots=True)
class Typed:
    """Walks one expression or template; `faults` are what it finds."""

    scope: Mapping[str, Any]
    """Names that may be used -> annotation, Shape or Kind."""
    faults: list[TypeProblem] = field(default_factory=list)

    def template(self, node: nodes.Node, known: frozenset[str] = _NONE) -> None:
        """Types every expression of a template; `known` are those that are not empty."""
        for part in children(node):
            self.kind(part, known)

    def condition(self, node: nodes.Node, known: frozenset[str] = _NONE) -> None:
        """Types an expression that is asked whether it holds."""
        if isinstance(node, nodes.And | nodes.Or):
            self.condition(node.left, known)
            self.condition(node.right, known | known_after(node.left, isinstance(node, nodes.And)))
            return
        kind = self.kind(node, known)
        always = kind.words is not None and "" not in kind.words
        if (always or kind.base is Base.RECORD) and not kind.nullable:
            words = f"; compare it with {' or '.join(map(repr, sorted(kind.words or ())[:4]))}" if always else ""
            self._fault(start(node), "always-true", f"{shown(node)} is never empty, so this always holds{words}")

    def kind(self, node: nodes.Node | None, known: frozenset[str] = _NONE) -> Kind:
        """The kind of an expression's value; where it is in `known`, it is not empty."""
        found = self._kind(node, known)
        return found.there() if found.nullable and node is not None and written(node) in known else found

    def _kind(self, node: nodes.Node | None, known: frozenset[str]) -> Kind:
        match node:
            case nodes.Const():
                return constant(node.value)
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self._read(node, known)
            case nodes.Filter() | nodes.Test():
                return self._filter(node, known)
            case nodes.Compare():
                return self._compare(node, known)
            case nodes.And() | nodes.Or() | nodes.Not() | nodes.CondExpr():
                return self._logic(node, known)
            case nodes.BinExpr() | nodes.Neg() | nodes.Pos():
                return self._calculate(node, known)
            case nodes.List() | nodes.Tuple():
                return list_of(joined(*(self.kind(each, known) for each in node.items)))
            case nodes.Concat():
                for each in node.nodes:
                    self.kind(each, known)
                return TEXT
        return ANY

    def _fault(self, at: int | None, rule: str, says: str, suggestion: str = "") -> None:
        fault = TypeProblem(at or 0, rule, says, suggestion)
        if fault not in self.faults:
            self.faults.append(fault)

    def _clash(self, at: int, clash: Clash | None) -> None:
        if clash is not None:
            self._fault(at, clash.rule, clash.says, clash.suggestion)

    def _there(self, node: nodes.Node | None, known: frozenset[str]) -> Kind:
        """The kind of what must have a value here."""
        kind = self.kind(node, known)
        if kind.nullable and kind.base is not Base.NOTHING and node is not None:
            says = f"{shown(node)} may be empty (NULL), and then this has no answer"
            self._fault(start(node), "may-be-null", says, f"ask `{shown(node)} is known` first")
        return kind.there()

    def _read(self, node: nodes.Name | nodes.Getattr | nodes.Getitem, known: frozenset[str]) -> Kind:
        if isinstance(node, nodes.Getitem):
            return self._item(node, known)
        if isinstance(node, nodes.Getattr):
            return self._field(self._there(node.node, known), node.attr, shown(node.node), node.lineno + 1)
        if node.name in self.scope:
            return kind_of(self.scope[node.name])
        near = nearest(node.name, self.scope)
        listed = "" if near else f"; known are {', '.join(sorted(self.scope))}"
        self._fault(node.lineno, "unknown-name", f"{node.name!r} is not known here{listed}", near)
        return ANY

    def _field(self, of: Kind, name: str, whole: str, at: int) -> Kind:
        if of.base is Base.MAPPING:
            return of.item or ANY
        if of.base is Base.RECORD and of.fields is not None:
            if name in of.fields:
                return kind_of(of.fields[name])
            near = nearest(name, of.fields)
            listed = "" if near else f"; it has {', '.join(sorted(of.fields)) or 'none'}"
            self._fault(at, "unknown-field", f"{whole} has no field {name!r}{listed}", near)
        elif of.base is Base.LIST:
            says = f"{whole} is a list, which has no field {name!r}"
            how = f"take an item ({whole}[0].{name}) or pick the field of each ({whole} | pick({name!r}))"
            self._fault(at, "unknown-field", says, how)
        elif of.known:
            self._fault(at, "unknown-field", f"{whole} is {of}, which has no fields, so no {name!r}")
        return ANY

    def _item(self, node: nodes.Getitem, known: frozenset[str]) -> Kind:
        of = self._there(node.node, known)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._field(of, node.arg.value, shown(node.node), start(node.arg))
        if isinstance(node.arg, nodes.Slice):
            for each in (node.arg.start, node.arg.stop, node.arg.step):
                self.kind(each, known)
            return of
        self.kind(node.arg, known)
        if of.base in (Base.LIST, Base.MAPPING):
            return of.item or ANY
        if of.known:
            self._fault(node.lineno, "unknown-field", f"{shown(node.node)} is {of}, which has no items")
        return ANY

    def _filter(self, node: nodes.Filter | nodes.Test, known: frozenset[str]) -> Kind:
        test = isinstance(node, nodes.Test)
        of = (self.kind if filter_types.takes_null(node.name) else self._there)(node.node, known)
        arguments = [self.kind(each, known) for each in node.args]
        whole = shown(node.node) if node.node is not None else "this"
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            self._fault(
                node.lineno, "wrong-filter", f"the arguments of {node.name!r} have no names; give them in order"
            )
            return ANY
        wrong = filter_types.misuse(node.name, of, whole, len(arguments), test=test)
        if wrong is not None:
            self._fault(node.lineno, wrong.rule, wrong.says)
            return BOOLEAN if test else ANY
        read = self._field_of_items(node, of, arguments, whole)
        if node.name == "in":
            self._compare_sides(node.node, "in", node.args[0], of, arguments[0])
        return BOOLEAN if test else filter_types.result(node.name, of, read, arguments[0] if arguments else None)

    def _field_of_items(
        self, node: nodes.Filter | nodes.Test, of: Kind, arguments: list[Kind], whole: str
    ) -> Kind | None:
        """The field that `where`, `pick` and `largest` name; the comparison of `where` is one like any other."""
        if not filter_types.reads_field(node.name) or not isinstance(arguments[0].value, str):
            return None
        name = arguments[0].value
        read = self._field(of.item or ANY, name, f"an item of {whole}", start(node.args[0]))
        if len(arguments) < 2 or not arguments[1].constant:
            return read
        operator = arguments[1].value
        if not filter_types.is_comparison(operator):
            says = f"where() does not know {operator!r}; it knows ==, !=, >, >=, <, <=, in, not in and contains"
            self._fault(start(node.args[1]), "wrong-filter", says)
        elif len(arguments) == 3:
            field_side = Side(read.there(), f"{name!r} of an item")
            self._clash(
                start(node.args[2]), compared(field_side, str(operator), Side(arguments[2], shown(node.args[2])))
            )
        return read

    def _compare(self, node: nodes.Compare, known: frozenset[str]) -> Kind:
        left = node.expr
        for operand in node.ops:
            look = self._there if operand.op in _ORDER else self.kind
            kind, other = look(left, known), look(operand.expr, known)
            self._compare_sides(left, OPERATORS[operand.op], operand.expr, kind, other)
            left = operand.expr
        return BOOLEAN

    def _compare_sides(self, left: nodes.Node | None, sign: str, right: nodes.Node, one: Kind, other: Kind) -> None:
        """Holds both sides together; where the right one is a list that stands there, each of its items."""
        if left is None:
            return
        if sign in ("in", "not in") and isinstance(right, nodes.List | nodes.Tuple):
            for each in right.items:
                item = Typed(self.scope).kind(each)
                self._clash(start(each), compared(Side(one.there(), shown(left)), "==", Side(item, shown(each))))
            return
        at = start(left) if one.constant or not other.constant else start(right)
        at = start(right) if other.constant and not one.constant else at
        self._clash(at, compared(Side(one, shown(left)), sign, Side(other, shown(right))))

    def _logic(self, node: nodes.And | nodes.Or | nodes.Not | nodes.CondExpr, known: frozenset[str]) -> Kind:
        if isinstance(node, nodes.Not):
            self.condition(node.node, known)
            return BOOLEAN
        if isinstance(node, nodes.CondExpr):
            self.condition(node.test, known)
            one = self.kind(node.expr1, known | known_after(node.test, True))
            other = self.kind(node.expr2, known | known_after(node.test, False)) if node.expr2 else ANY
            return joined(one, other)
        one = self.kind(node.left, known)
        right_known = known | known_after(node.left, isinstance(node, nodes.And))
        other = self.kind(node.right, right_known)
        return joined(one.there() if isinstance(node, nodes.Or) else one, other)

    def _calculate(self, node: nodes.BinExpr | nodes.Neg | nodes.Pos, known: frozenset[str]) -> Kind:
        if isinstance(node, nodes.Neg | nodes.Pos):
            return self._signed(node, known)
        sides = [Side(self._there(each, known), shown(each)) for each in (node.left, node.right)]
        sign = _SIGNS.get(type(node))
        if sign is None:
            return ANY
        found = calculated(sides[0], sign, sides[1])
        if isinstance(found, Clash):
            self._clash(start(node), found)
            return ANY
        return found

    def _signed(self, node: nodes.Neg | nodes.Pos, known: frozenset[str]) -> Kind:
        kind = self._there(node.node, known)
        if kind.known and kind.base is not Base.NUMBER:
            self._fault(node.lineno, "wrong-operand", f"{shown(node.node)} is {kind}, and a sign takes a number")
            return ANY
        return Kind(Base.NUMBER, kind.unit, annotation=NUMBER.annotation) if kind.known else ANY
