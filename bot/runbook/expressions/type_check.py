"""Infers the type of every part of an expression from the declared evidence, and reports type errors. Pure.

A value without a declared type is ANY, about which nothing is reported: the checker has no false positives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from bot.runbook.expressions import filter_types
from bot.runbook.expressions.canonical_text import OPERATORS, canonical_text, short_text, start_offset
from bot.runbook.expressions.comparability import Operand, TypeMismatch, arithmetic_type, comparison_mismatch
from bot.runbook.expressions.nullability import non_null_after
from bot.runbook.expressions.syntax import children
from bot.runbook.expressions.value_types import (
    ANY,
    BOOLEAN,
    NUMBER,
    TEXT,
    BaseType,
    ValueType,
    list_of,
    type_of_literal,
    union_of,
    value_type_of,
)
from bot.runbook.language.signatures import suggestion_for

_SIGNS = {nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/", nodes.FloorDiv: "//", nodes.Mod: "%"}
_ORDERING = frozenset({"gt", "gteq", "lt", "lteq"})
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TypeProblem:
    """One type error, at an offset of the expression's source (from 0), and the lint rule that it violates."""

    offset: int
    rule: str
    message: str
    suggestion: str = ""


@dataclass(slots=True)
class TypeChecker:
    """Type-checks expressions and templates against a scope, and collects what it finds in `problems`.

    `non_null` holds the expressions, as `canonical_text` writes them, that are known not to be NULL.
    """

    scope: Mapping[str, Any]
    """Each available name, with its annotation, RecordType or ValueType."""
    problems: list[TypeProblem] = field(default_factory=list)

    def check_template(self, node: nodes.Node, non_null: frozenset[str] = _NONE) -> None:
        """Checks every expression of a template."""
        for part in children(node):
            self.type_of(part, non_null)

    def check_condition(self, node: nodes.Node, non_null: frozenset[str] = _NONE) -> None:
        """Checks an expression that is used as a condition."""
        if isinstance(node, nodes.And | nodes.Or):
            self.check_condition(node.left, non_null)
            self.check_condition(node.right, non_null | non_null_after(node.left, isinstance(node, nodes.And)))
            return
        found = self.type_of(node, non_null)
        never_empty = found.literals is not None and "" not in found.literals
        if (never_empty or found.base is BaseType.RECORD) and not found.nullable:
            literals = " or ".join(map(repr, sorted(found.literals or ())[:4]))
            message = f"Condition is always true: {short_text(node)} is never empty"
            self._report(start_offset(node), "always-true", message, f"compare it with {literals}" if literals else "")

    def type_of(self, node: nodes.Node | None, non_null: frozenset[str] = _NONE) -> ValueType:
        """Returns the type of an expression, without NULL if the expression is in `non_null`."""
        found = self._infer(node, non_null)
        return found.non_null() if found.nullable and node is not None and canonical_text(node) in non_null else found

    def _infer(self, node: nodes.Node | None, non_null: frozenset[str]) -> ValueType:
        match node:
            case nodes.Const():
                return type_of_literal(node.value)
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                return self._access(node, non_null)
            case nodes.Filter() | nodes.Test():
                return self._filter(node, non_null)
            case nodes.Compare():
                return self._compare(node, non_null)
            case nodes.And() | nodes.Or() | nodes.Not() | nodes.CondExpr():
                return self._logic(node, non_null)
            case nodes.BinExpr() | nodes.Neg() | nodes.Pos():
                return self._arithmetic(node, non_null)
            case nodes.List() | nodes.Tuple():
                return list_of(union_of(*(self.type_of(each, non_null) for each in node.items)))
            case nodes.Concat():
                for each in node.nodes:
                    self.type_of(each, non_null)
                return TEXT
        return ANY

    def _report(self, offset: int | None, rule: str, message: str, suggestion: str = "") -> None:
        problem = TypeProblem(offset or 0, rule, message, suggestion)
        if problem not in self.problems:
            self.problems.append(problem)

    def _report_mismatch(self, offset: int, mismatch: TypeMismatch | None) -> None:
        if mismatch is not None:
            self._report(offset, mismatch.rule, mismatch.message, mismatch.suggestion)

    def _require_value(self, node: nodes.Node | None, non_null: frozenset[str]) -> ValueType:
        """Returns the type of an operand that must not be NULL, and reports it if it may be."""
        found = self.type_of(node, non_null)
        if found.nullable and found.base is not BaseType.NULL and node is not None:
            text = short_text(node)
            message = f"{text} may be NULL, in which case the expression cannot be evaluated"
            self._report(start_offset(node), "may-be-null", message, f"check `{text} is known` first")
        return found.non_null()

    def _access(self, node: nodes.Name | nodes.Getattr | nodes.Getitem, non_null: frozenset[str]) -> ValueType:
        if isinstance(node, nodes.Getitem):
            return self._item(node, non_null)
        if isinstance(node, nodes.Getattr):
            return self._field(
                self._require_value(node.node, non_null), node.attr, short_text(node.node), node.lineno + 1
            )
        if node.name in self.scope:
            return value_type_of(self.scope[node.name])
        suggestion = suggestion_for(node.name, self.scope)
        listed = "" if suggestion else f"; available names: {', '.join(sorted(self.scope))}"
        self._report(node.lineno, "unknown-name", f"Unknown name {node.name!r}{listed}", suggestion)
        return ANY

    def _field(self, owner: ValueType, name: str, owner_text: str, offset: int) -> ValueType:
        if owner.base is BaseType.MAPPING:
            return owner.item or ANY
        if owner.base is BaseType.RECORD and owner.fields is not None:
            if name in owner.fields:
                return value_type_of(owner.fields[name])
            suggestion = suggestion_for(name, owner.fields)
            listed = "" if suggestion else f"; its fields are {', '.join(sorted(owner.fields)) or 'none'}"
            self._report(offset, "unknown-field", f"Unknown field {name!r} in {owner_text}{listed}", suggestion)
        elif owner.base is BaseType.LIST:
            message = f"Cannot read field {name!r} of {owner_text}: it is a list"
            suggestion = (
                f"use one item ({owner_text}[0].{name}) or the field of every item ({owner_text} | pick({name!r}))"
            )
            self._report(offset, "unknown-field", message, suggestion)
        elif owner.is_known:
            self._report(offset, "unknown-field", f"Cannot read field {name!r} of {owner_text}: it is {owner}")
        return ANY

    def _item(self, node: nodes.Getitem, non_null: frozenset[str]) -> ValueType:
        owner = self._require_value(node.node, non_null)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._field(owner, node.arg.value, short_text(node.node), start_offset(node.arg))
        if isinstance(node.arg, nodes.Slice):
            for each in (node.arg.start, node.arg.stop, node.arg.step):
                self.type_of(each, non_null)
            return owner
        self.type_of(node.arg, non_null)
        if owner.base in (BaseType.LIST, BaseType.MAPPING):
            return owner.item or ANY
        if owner.is_known:
            self._report(node.lineno, "unknown-field", f"Cannot index {short_text(node.node)}: it is {owner}")
        return ANY

    def _filter(self, node: nodes.Filter | nodes.Test, non_null: frozenset[str]) -> ValueType:
        is_test = isinstance(node, nodes.Test)
        operand = (self.type_of if filter_types.takes_null(node.name) else self._require_value)(node.node, non_null)
        arguments = [self.type_of(each, non_null) for each in node.args]
        text = short_text(node.node) if node.node is not None else "the value"
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            message = f"Arguments of {node.name!r} are positional"
            self._report(node.lineno, "wrong-filter", message, "remove the names of the arguments")
            return ANY
        misuse = filter_types.filter_misuse(node.name, operand, text, len(arguments), test=is_test)
        if misuse is not None:
            self._report(node.lineno, misuse.rule, misuse.message)
            return BOOLEAN if is_test else ANY
        item_field = self._field_of_items(node, operand, arguments, text)
        if node.name == "in":
            self._check_comparison(node.node, "in", node.args[0], operand, arguments[0])
        if is_test:
            return BOOLEAN
        return filter_types.result_type(node.name, operand, item_field, arguments[0] if arguments else None)

    def _field_of_items(
        self, node: nodes.Filter | nodes.Test, operand: ValueType, arguments: list[ValueType], text: str
    ) -> ValueType | None:
        """Types the field that `where`, `pick` and `largest` name, and checks the comparison of `where`."""
        if not filter_types.reads_field(node.name) or not isinstance(arguments[0].value, str):
            return None
        name = arguments[0].value
        found = self._field(operand.item or ANY, name, f"an item of {text}", start_offset(node.args[0]))
        if len(arguments) < 2 or not arguments[1].is_literal:
            return found
        operator = arguments[1].value
        if not filter_types.is_comparison(operator):
            message = f"Unknown operator {operator!r} in where(); use ==, !=, >, >=, <, <=, in, not in or contains"
            self._report(start_offset(node.args[1]), "wrong-filter", message)
        elif len(arguments) == 3:
            left, right = Operand(found.non_null(), name), Operand(arguments[2], short_text(node.args[2]))
            self._report_mismatch(start_offset(node.args[2]), comparison_mismatch(left, str(operator), right))
        return found

    def _compare(self, node: nodes.Compare, non_null: frozenset[str]) -> ValueType:
        left = node.expr
        for operand in node.ops:
            infer = self._require_value if operand.op in _ORDERING else self.type_of
            left_type, right_type = infer(left, non_null), infer(operand.expr, non_null)
            self._check_comparison(left, OPERATORS[operand.op], operand.expr, left_type, right_type)
            left = operand.expr
        return BOOLEAN

    def _check_comparison(
        self, left: nodes.Node | None, operator: str, right: nodes.Node, left_type: ValueType, right_type: ValueType
    ) -> None:
        """Checks both sides of a comparison; for `in` with a list literal, each item of the list."""
        if left is None:
            return
        if operator in ("in", "not in") and isinstance(right, nodes.List | nodes.Tuple):
            for each in right.items:
                item = Operand(TypeChecker(self.scope).type_of(each), short_text(each))
                mismatch = comparison_mismatch(Operand(left_type.non_null(), short_text(left)), "==", item)
                self._report_mismatch(start_offset(each), mismatch)
            return
        offset = start_offset(right if right_type.is_literal and not left_type.is_literal else left)
        operands = Operand(left_type, short_text(left)), Operand(right_type, short_text(right))
        self._report_mismatch(offset, comparison_mismatch(operands[0], operator, operands[1]))

    def _logic(self, node: nodes.And | nodes.Or | nodes.Not | nodes.CondExpr, non_null: frozenset[str]) -> ValueType:
        if isinstance(node, nodes.Not):
            self.check_condition(node.node, non_null)
            return BOOLEAN
        if isinstance(node, nodes.CondExpr):
            self.check_condition(node.test, non_null)
            then_type = self.type_of(node.expr1, non_null | non_null_after(node.test, True))
            if not node.expr2:
                return union_of(then_type, ANY)
            return union_of(then_type, self.type_of(node.expr2, non_null | non_null_after(node.test, False)))
        left = self.type_of(node.left, non_null)
        right = self.type_of(node.right, non_null | non_null_after(node.left, isinstance(node, nodes.And)))
        return union_of(left.non_null() if isinstance(node, nodes.Or) else left, right)

    def _arithmetic(self, node: nodes.BinExpr | nodes.Neg | nodes.Pos, non_null: frozenset[str]) -> ValueType:
        if isinstance(node, nodes.Neg | nodes.Pos):
            return self._unary(node, non_null)
        left, right = (
            Operand(self._require_value(each, non_null), short_text(each)) for each in (node.left, node.right)
        )
        sign = _SIGNS.get(type(node))
        if sign is None:
            return ANY
        found = arithmetic_type(left, sign, right)
        if isinstance(found, TypeMismatch):
            self._report_mismatch(start_offset(node), found)
            return ANY
        return found

    def _unary(self, node: nodes.Neg | nodes.Pos, non_null: frozenset[str]) -> ValueType:
        found = self._require_value(node.node, non_null)
        if found.is_known and found.base is not BaseType.NUMBER:
            message = f"A sign (+ or -) requires a number; {short_text(node.node)} is {found}"
            self._report(node.lineno, "wrong-operand", message)
            return ANY
        return ValueType(BaseType.NUMBER, found.unit, annotation=NUMBER.annotation) if found.is_known else ANY
