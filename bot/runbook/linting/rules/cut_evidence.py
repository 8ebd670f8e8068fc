"""cut-evidence: a cause concludes an absence or a maximum from evidence that may be cut at a limit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import nodes

from actions.contract import EXACT
from bot.runbook.expressions.canonical_text import canonical_text, short_text, start_offset
from bot.runbook.expressions.names import evidence_types
from bot.runbook.expressions.syntax import ExpressionError, children, syntax_tree, walk
from bot.runbook.language.findings import Problem
from bot.runbook.language.signatures import attributes_of, item_of
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "cut-evidence"
_CUT_SIDES = {"lt": (0,), "lteq": (0,), "gt": (1,), "gteq": (1,), "eq": (0, 1), "notin": (1,)}
"""Comparison -> its operands that must not be larger than they seem: the left one, the right one, or both."""
_NEGATED = {
    "lt": "gteq",
    "lteq": "gt",
    "gt": "lteq",
    "gteq": "lt",
    "eq": "ne",
    "ne": "eq",
    "in": "notin",
    "notin": "in",
}


def check(analysis: Analysis) -> Iterator[Problem]:
    """Searches each condition for an upper bound of evidence that has a field `complete`, and for a look at it.

    An upper bound is `not waits.suspects`, `locks.waiting == 0` or `log.size > tables.size`. A lower bound, such as
    `locks.waiting > 3`, is true of cut evidence, too. Evidence of several servers is not examined.
    """
    cuttable = {name: kind for name, kind in evidence_types(analysis.runbook).items() if _may_be_cut(kind)}
    if not cuttable:
        return
    for number, cause in enumerate(analysis.runbook.causes):
        try:
            tree = syntax_tree(cause.when)
        except ExpressionError:
            continue  # expression-syntax reports it
        looked_at = {_step(node) for node in walk(tree) if isinstance(node, nodes.Getattr) and node.attr == "complete"}
        reported: set[str] = set()
        for node in _bounded_above(tree, False):
            step = _cut_step(node, cuttable)
            if step and step not in looked_at and step not in reported:
                reported.add(step)
                message = f"Cause {cause.id!r} concludes from {short_text(node)}, which may be cut at a limit"
                hint = f"add `and {step}.complete`, and a cause for the other case"
                yield Problem(("causes", number, "when"), message, ID, hint, start_offset(node))


def _may_be_cut(kind: Any) -> bool:  # noqa: ANN401 - annotations have no common type
    return isinstance(kind, type) and dataclasses.is_dataclass(kind) and "complete" in attributes_of(kind)


def _bounded_above(node: nodes.Node, negated: bool) -> Iterator[nodes.Node]:
    """Yields the expressions about which a condition says that they are empty, or no larger than they seem."""
    match node:
        case nodes.Not():
            yield from _bounded_above(node.node, not negated)
        case nodes.And() | nodes.Or():
            yield from _bounded_above(node.left, negated)
            yield from _bounded_above(node.right, negated)
        case nodes.Compare(ops=[operand]):
            operator = _NEGATED[operand.op] if negated else operand.op
            sides = (node.expr, operand.expr)
            if not _of_one_item(*sides):
                yield from (sides[side] for side in _CUT_SIDES.get(operator, ()))
        case nodes.Compare() | nodes.Test() | nodes.Const():
            return
        case _ if negated and not _is_of_item(node):
            yield node


def _is_of_item(node: nodes.Node) -> bool:
    """Whether the expression is a plain field of an item, which says nothing about other items."""
    return isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Getitem)


def _of_one_item(left: nodes.Node, right: nodes.Node) -> bool:
    """Whether both sides are fields of the same item, such as `long.queries[0].age > long.queries[0].limit`."""
    items = [
        canonical_text(side.node) for side in (left, right) if isinstance(side, nodes.Getattr) and _is_of_item(side)
    ]
    return len(items) == 2 and items[0] == items[1]


def _cut_step(node: nodes.Node, cuttable: Mapping[str, Any]) -> str:
    """Returns the step whose cut evidence an expression reads; '' if it reads none, or only exact fields."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name in cuttable:
        kind = cuttable[node.node.name]
        return "" if node.attr in (*getattr(kind, EXACT, ()), "complete") else node.node.name
    if isinstance(node, nodes.Getitem | nodes.Getattr) and _is_of_first_item(node, cuttable):
        return ""
    if isinstance(node, nodes.Filter) and node.node is not None:
        for each in walk(node.node):
            if isinstance(each, nodes.Getattr) and _is_list(each, cuttable):
                return _step(each)
    return next((step for child in children(node) if (step := _cut_step(child, cuttable))), "")


def _is_list(node: nodes.Getattr, cuttable: Mapping[str, Any]) -> bool:
    if not isinstance(node.node, nodes.Name) or node.node.name not in cuttable:
        return False
    return item_of(attributes_of(cuttable[node.node.name]).get(node.attr)) is not None


def _is_of_first_item(node: nodes.Node, cuttable: Mapping[str, Any]) -> bool:
    """Whether an expression reads the first item of an exact list, such as `long.queries[0].user`."""
    text = canonical_text(node)
    return any(
        text.startswith(f"{name}.{exact}[0]") for name, kind in cuttable.items() for exact in getattr(kind, EXACT, ())
    )


def _step(node: nodes.Node) -> str:
    return node.node.name if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) else ""


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    description="A cause concludes an absence or a maximum from evidence that may be cut at a limit.",
    passing="""\
gather:
  numbers: mysql.auto_increment
causes:
  - id: enough
    when: numbers.complete and not numbers.tables
    says: No table runs out of values.
  - id: not_all_compared
    when: not numbers.complete and not numbers.tables
    says: No table that was compared runs out of values; the others are unknown.
tests:
  - given: {numbers: {known: 4}}
    expect: {cause: enough}
  - given: {numbers: {known: 200, complete: false}}
    expect: {cause: not_all_compared}
""",
    failing="""\
gather:
  numbers: mysql.auto_increment
causes:
  - id: enough
    when: not numbers.tables
    says: No table runs out of values.
tests:
  - given: {numbers: {known: 4}}
    expect: {cause: enough}
""",
    check=check,
)
