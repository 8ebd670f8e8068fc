"""Infers which expressions are not NULL after a condition was true or false. Pure.

Ordering NULL is an error, so after a comparison such as `a < b` both operands are known not to be NULL. The tests
`is known` and `is none`, and a field used as a condition, decide it directly.
"""

from __future__ import annotations

from jinja2 import nodes

from bot.runbook.expressions.canonical_text import canonical_text
from bot.runbook.expressions.syntax import ExpressionError, syntax_tree

_ORDER = frozenset({"gt", "gteq", "lt", "lteq"})
_NONE: frozenset[str] = frozenset()


def non_null_after(node: nodes.Node, outcome: bool) -> frozenset[str]:
    """Returns the expressions, as `canonical_text` writes them, that are not NULL if `node` has this outcome."""
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
            decides = node.name == "known" if outcome else node.name == "none"
            return _with_owners(node.node) if decides else _owners(node.node)
        case nodes.Compare() if len(node.ops) == 1:
            return _of_comparison(node.expr, node.ops[0], outcome)
        case nodes.Compare():
            return operands_of(node.expr) if node.ops[0].op in _ORDER else _NONE
    return _with_owners(node) if outcome else _owners(node)


def _of_comparison(left: nodes.Node, operand: nodes.Operand, outcome: bool) -> frozenset[str]:
    right = operand.expr
    if operand.op in _ORDER:
        return operands_of(left) | operands_of(right)
    owners = _owners(left) | _owners(right)
    same = outcome if operand.op in ("eq", "in") else not outcome
    with_none = right.find(nodes.Const) if not isinstance(right, nodes.Const) else right
    holds_none = with_none is not None and with_none.value is None
    if operand.op in ("eq", "ne") and isinstance(right, nodes.Const):
        return owners | _with_owners(left) if same != holds_none else owners
    if operand.op in ("in", "notin") and isinstance(right, nodes.List | nodes.Tuple):
        only = all(isinstance(each, nodes.Const) and each.value is not None for each in right.items)
        return owners | _with_owners(left) if same and only else owners
    return owners


def operands_of(node: nodes.Node) -> frozenset[str]:
    """Returns the operands that must not be NULL for an arithmetic expression to have a value."""
    if isinstance(node, nodes.BinExpr) and not isinstance(node, nodes.And | nodes.Or):
        return operands_of(node.left) | operands_of(node.right)
    if isinstance(node, nodes.Neg | nodes.Pos):
        return operands_of(node.node)
    return _with_owners(node)


def _with_owners(node: nodes.Node) -> frozenset[str]:
    return _owners(node) | {canonical_text(node)}


def _owners(node: nodes.Node) -> frozenset[str]:
    """Returns the expressions whose fields or items were read, which therefore were not NULL."""
    found = set()
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        node = node.node
        found.add(canonical_text(node))
    return frozenset(found)


def non_null_where(condition: str) -> frozenset[str]:
    """Returns the expressions that are not NULL if a condition is true; nothing for an invalid condition."""
    try:
        return non_null_after(syntax_tree(condition), True)
    except ExpressionError:
        return _NONE
