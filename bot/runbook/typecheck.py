"""Names the type of every part of an expression, against the declared evidence. Pure."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from jinja2 import nodes

from bot.runbook.signatures import bare, facts, item_of, near
from bot.runbook.syntax import ExpressionError


@dataclass(frozen=True, slots=True)
class Shape:
    """A mapping whose names are known, e.g. `inputs`."""

    names: Mapping[str, Any]


def list_of(item: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """The type of a list of these."""
    return types.GenericAlias(list, (item,))


def type_of(tree: nodes.Node, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The type of an expression, Any where it is not known; raises ExpressionError for what is not there."""
    return _Walk(scope).type_of(tree)


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
            return {"where": kind, "pick": list_of(inner) if inner is not Any else Any}.get(node.name, item or Any)
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
