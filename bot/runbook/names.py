"""Holds the names in an expression against the declared evidence: which steps there are, and which fields each has."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from jinja2 import nodes

from bot.runbook.expressions import ExpressionError, tree_of, whole
from bot.runbook.schema import Input, Runbook
from bot.runbook.signatures import UnknownAction, bare, facts, item_of, near, of_diagnostic


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping whose names are known, e.g. `inputs`."""

    names: Mapping[str, Any]


TARGET = Shape(dict.fromkeys(("name", "address", "role", "shard", "flavour"), str))
"""What expressions of `gather` may know of the target."""

_INPUTS = {
    "seconds": float, "bytes": int, "percent": float, "count": int, "number": float, "boolean": bool,
}  # fmt: skip


def input_type(declared: Input) -> type:
    """The type of an input's value in expressions."""
    return _INPUTS.get(declared.type, str)


def evidence_types(runbook: Runbook) -> dict[str, Any]:
    """The type of each step's evidence; Any where its action is unknown."""
    found: dict[str, Any] = {}
    for name, step in runbook.gather.items():
        try:
            result = of_diagnostic(step.use).result
        except UnknownAction:
            result = Any
        found[name] = _list_of(result) if step.on == "replicas" else result
    return found


def _list_of(item: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    return types.GenericAlias(list, (item,))


def scope_of(runbook: Runbook) -> dict[str, Any]:
    """The names that causes and remedies may use."""
    return {
        **evidence_types(runbook),
        "inputs": Shape({name: input_type(declared) for name, declared in runbook.inputs.items()}),
    }


def gather_scope(runbook: Runbook, step: str) -> dict[str, Any]:
    """The names that a gather step may use: the other steps, the inputs, the alert's labels and the target."""
    others = {name: kind for name, kind in scope_of(runbook).items() if name != step}
    return {**others, "labels": Mapping[str, str], "target": TARGET}


def check_expression(source: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a type
    """Checks an expression and returns its type, Any where it is not known; raises ExpressionError."""
    return _Walk(scope).type_of(tree_of(source))


def check_template(source: str, scope: Mapping[str, Any]) -> None:
    """Checks every expression of a template; raises ExpressionError."""
    _Walk(scope).type_of(tree_of(source, template=True))


def check_value(value: object, scope: Mapping[str, Any]) -> bool:
    """Checks a value of `with`; returns whether it holds an expression. Raises ExpressionError."""
    if isinstance(value, str) and "{{" in value:
        inner = whole(value)
        if inner is None:
            check_template(value, scope)
        else:
            check_expression(inner, scope)
        return True
    if isinstance(value, Mapping):
        value = list(value.values())
    found = False
    if isinstance(value, list | tuple):
        for each in value:
            found |= check_value(each, scope)
    return found


def names_in(value: object) -> frozenset[str]:
    """The names that the expressions in a value of `with`, or in a condition, begin with."""
    if isinstance(value, str):
        return frozenset(node.name for node in tree_of(value, template=True).find_all(nodes.Name))
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return frozenset().union(*(names_in(each) for each in value))
    return frozenset()


def names_of_condition(source: str) -> frozenset[str]:
    """The names that a condition begins with."""
    tree = tree_of(source)
    return frozenset(node.name for node in (tree, *tree.find_all(nodes.Name)) if isinstance(node, nodes.Name))


_ITEM = frozenset({"first", "last", "max", "min"})
_TEXT = frozenset({"join", "duration", "bytes", "shorten", "plural", "lower"})


@dataclass(frozen=True, slots=True)
class _Walk:
    """Walks an expression and names the type of each part; what it does not know is Any, never wrong."""

    scope: Mapping[str, Any]

    def type_of(self, node: nodes.Node) -> Any:  # noqa: ANN401
        if isinstance(node, nodes.Name):
            if node.name not in self.scope:
                raise ExpressionError(
                    f"{node.name!r} is not known here{near(node.name, self.scope)} "
                    f"Known are {', '.join(sorted(self.scope))}."
                )
            return self.scope[node.name]
        if isinstance(node, nodes.Getattr):
            return self._field(node.node, node.attr)
        if isinstance(node, nodes.Getitem):
            return self._item(node)
        if isinstance(node, nodes.Filter):
            return self._filter(node)
        if isinstance(node, nodes.Const):
            return type(node.value)
        for child in node.iter_child_nodes():
            self.type_of(child)
        if isinstance(node, nodes.Compare | nodes.Not | nodes.Test):
            return bool
        return Any

    def _field(self, of: nodes.Node, name: str) -> Any:  # noqa: ANN401
        return field_type(self.type_of(of), name, _shown(of))

    def _item(self, node: nodes.Getitem) -> Any:  # noqa: ANN401
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._field(node.node, node.arg.value)
        self.type_of(node.arg)
        kind = self.type_of(node.node)
        if isinstance(node.arg, nodes.Slice):
            return kind
        item = item_of(kind)
        if item is None and bare(kind) is not Any and get_origin(bare(kind)) is not dict:
            raise ExpressionError(f"{_shown(node.node)} is not a list, so it has no items")
        return Any if item is None else item

    def _filter(self, node: nodes.Filter) -> Any:  # noqa: ANN401
        assert node.node is not None  # statement filters are refused
        kind = self.type_of(node.node)
        for argument in (*node.args, *node.kwargs):
            self.type_of(argument)
        item = item_of(kind)
        if node.name in ("where", "pick", "largest") and node.args and isinstance(node.args[0], nodes.Const):
            inner = field_type(item, str(node.args[0].value), f"an item of {_shown(node.node)}") if item else Any
            return {"where": kind, "pick": _list_of(inner) if inner is not Any else Any}.get(node.name, item or Any)
        if node.name in _ITEM:
            return item or Any
        if node.name == "length":
            return int
        return str if node.name in _TEXT else Any


def field_type(kind: Any, name: str, shown: str) -> Any:  # noqa: ANN401
    """The type of a field; raises ExpressionError with the nearest name where there is none."""
    if isinstance(kind, Shape):
        known: Mapping[str, Any] = kind.names
    else:
        kind = bare(kind)
        if kind is Any:
            return Any
        if get_origin(kind) in (dict, Mapping) or getattr(get_origin(kind), "__name__", "") == "Mapping":
            return get_args(kind)[1]
        if item_of(kind) is not None:
            raise ExpressionError(
                f"{shown} is a list; take an item ({shown}[0].{name}) or filter it ({shown} | pick({name!r}))"
            )
        if not dataclasses.is_dataclass(kind):
            raise ExpressionError(f"{shown} has no fields, so no {name!r}")
        known = facts(kind) if isinstance(kind, type) else {}
    if name not in known:
        raise ExpressionError(f"{shown} has no field {name!r}{near(name, known)} It has {', '.join(sorted(known))}.")
    return known[name]


def _shown(node: nodes.Node) -> str:
    """The path of a node, for sentences."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{_shown(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem):
        shown = node.arg.value if isinstance(node.arg, nodes.Const) else ".."
        return f"{_shown(node.node)}[{shown}]"
    return "this value"
