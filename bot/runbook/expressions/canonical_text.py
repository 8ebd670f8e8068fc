"""Converts syntax trees to canonical text, which is equal for equivalent notations, and to short text. Pure."""

from __future__ import annotations

import json

from jinja2 import nodes

_BINARY = {
    nodes.And: "and", nodes.Or: "or", nodes.Add: "+", nodes.Sub: "-", nodes.Mul: "*", nodes.Div: "/",
    nodes.FloorDiv: "//", nodes.Mod: "%",
}  # fmt: skip
OPERATORS = {
    "eq": "==", "ne": "!=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "in": "in", "notin": "not in",
}  # fmt: skip
"""Jinja2's name of a comparison -> operator."""


def canonical_text(node: nodes.Node) -> str:
    """Returns the text of an expression with normalised spacing, quotes and brackets."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Const():
            return literal_text(node.value)
        case nodes.Getattr():
            return f"{canonical_text(node.node)}.{node.attr}"
        case nodes.Getitem():
            if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) and node.arg.value.isidentifier():
                return f"{canonical_text(node.node)}.{node.arg.value}"
            return f"{canonical_text(node.node)}[{canonical_text(node.arg)}]"
        case nodes.Slice():
            return ":".join(
                canonical_text(each) if each is not None else "" for each in (node.start, node.stop, node.step)
            )
        case nodes.List() | nodes.Tuple():
            return f"[{', '.join(map(canonical_text, node.items))}]"
        case nodes.Filter() | nodes.Test():
            arguments = f"({', '.join(map(canonical_text, node.args))})" if node.args else ""
            operand = canonical_text(node.node) if node.node is not None else ""
            return f"({operand}{' | ' if isinstance(node, nodes.Filter) else ' is '}{node.name}{arguments})"
    return f"({_operation(node)})"


def _operation(node: nodes.Node) -> str:
    match node:
        case nodes.BinExpr():
            return f"{canonical_text(node.left)} {_BINARY.get(type(node), '?')} {canonical_text(node.right)}"
        case nodes.Not():
            return f"not {canonical_text(node.node)}"
        case nodes.Neg() | nodes.Pos():
            return f"{'-' if isinstance(node, nodes.Neg) else '+'}{canonical_text(node.node)}"
        case nodes.Compare():
            return canonical_text(node.expr) + "".join(
                f" {OPERATORS[each.op]} {canonical_text(each.expr)}" for each in node.ops
            )
        case nodes.Concat():
            return " ~ ".join(map(canonical_text, node.nodes))
        case nodes.CondExpr():
            other = canonical_text(node.expr2) if node.expr2 is not None else "none"
            return f"{canonical_text(node.expr1)} if {canonical_text(node.test)} else {other}"
    return type(node).__name__


def literal_text(value: object) -> str:
    """Returns a constant in the notation of expressions."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def short_text(node: nodes.Node) -> str:
    """Returns the text of an expression for messages: without the outer brackets, at most 60 characters."""
    text = canonical_text(node)
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    return text if len(text) <= 60 else text[:59] + "…"


def start_offset(node: nodes.Node) -> int:
    """Returns the offset of the first character of an expression."""
    while True:
        if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter | nodes.Test) and node.node is not None:
            node = node.node
        elif isinstance(node, nodes.Compare):
            node = node.expr
        elif isinstance(node, nodes.BinExpr):
            node = node.left
        elif isinstance(node, nodes.CondExpr):
            node = node.expr1
        else:
            return int(node.lineno or 0)
