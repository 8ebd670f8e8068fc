"""Which values are known not to be empty (NULL) once a condition has held, or has not. Pure.

A comparison of an empty value has no answer, so whatever comes after one has a value; and a condition that asks
`is known` or `is none`, or is a plain field, tells by itself.
"""

from __future__ import annotations

from jinja2 import nodes

from bot.runbook.expressions.canonical_text import canonical_text
from bot.runbook.expressions.syntax import ExpressionError, syntax_tree

_ORDER = frozenset({"gt", "gteq", "lt", "lteq"})
_NONE: frozenset[str] = frozenset()


def non_null_after(node: nodes.Node, outcome: bool) -> frozenset[str]:
    """The expressions, as `canonical_text` has them, that are not empty where `node` came out true, or false."""
    match node:
        case nodes.And():
            both = (non_null_after(node.left, outcome), non_null_after(node.right, outcome))
            return both[0] | both[1] if outcome else both[0] & both[1]
        case nodes.Or():
            both = (non_null_after(node.left, outcome), non_null_after(node.right, outcome))
            return both[0] & both[1] if outcome else both[0] | both[1]
        case nodes.Not():
            return non_null_after(node.node, not outcome)
        case nodes.Test():
            asked = node.name == "known" if outcome else node.name == "none"
            return _self(node.node) if asked else _parts(node.node)
        case nodes.Compare() if len(node.ops) == 1:
            return _of_comparison(node.expr, node.ops[0], outcome)
        case nodes.Compare():
            return operands_of(node.expr) if node.ops[0].op in _ORDER else _NONE
    return _self(node) if outcome else _parts(node)


def _of_comparison(left: nodes.Node, operand: nodes.Operand, outcome: bool) -> frozenset[str]:
    right = operand.expr
    if operand.op in _ORDER:
        return operands_of(left) | operands_of(right)
    parts = _parts(left) | _parts(right)
    same = outcome if operand.op in ("eq", "in") else not outcome
    with_none = right.find(nodes.Const) if not isinstance(right, nodes.Const) else right
    holds_none = with_none is not None and with_none.value is None
    if operand.op in ("eq", "ne") and isinstance(right, nodes.Const):
        return parts | _self(left) if same != holds_none else parts
    if operand.op in ("in", "notin") and isinstance(right, nodes.List | nodes.Tuple):
        only = all(isinstance(each, nodes.Const) and each.value is not None for each in right.items)
        return parts | _self(left) if same and only else parts
    return parts


def operands_of(node: nodes.Node) -> frozenset[str]:
    """What must have had a value for arithmetic or an order to be done with this."""
    if isinstance(node, nodes.BinExpr) and not isinstance(node, nodes.And | nodes.Or):
        return operands_of(node.left) | operands_of(node.right)
    if isinstance(node, nodes.Neg | nodes.Pos):
        return operands_of(node.node)
    return _self(node)


def _self(node: nodes.Node) -> frozenset[str]:
    return _parts(node) | {canonical_text(node)}


def _parts(node: nodes.Node) -> frozenset[str]:
    """What stands before a dot or a bracket had a value, or nothing could have been read of it."""
    found = set()
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        node = node.node
        found.add(canonical_text(node))
    return frozenset(found)


def non_null_where(condition: str) -> frozenset[str]:
    """What is not empty where a condition, as text, holds; nothing where it cannot be read."""
    try:
        return non_null_after(syntax_tree(condition), True)
    except ExpressionError:
        return _NONE
