"""The names that expressions can read at each place of a runbook, with their types, and the names that they do read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import GenericAlias
from typing import Any, Literal

from jinja2 import nodes

from actions.contract import Bytes, Count, Percent, Seconds
from bot.runbook.expressions.syntax import sole_expression, syntax_tree, walk
from bot.runbook.expressions.value_types import RecordType
from bot.runbook.language.schema import Input, Runbook
from bot.runbook.language.signatures import UnknownAction, of_diagnostic

TARGET = RecordType(
    {
        "name": str,
        "address": str,
        "role": Literal["primary", "replica", "proxy"],
        "shard": str,
        "flavour": Literal["mysql", "mariadb"],
        "replicas": Count,
        "tablet": str,
    }
)
"""The properties of the target in the inventory; `tablet` is the alias of a Vitess tablet."""

BEFORE = "before"
"""The name of the evidence from just before the change, in the condition of `helped`."""

_INPUTS: Mapping[str, Any] = {
    "seconds": Seconds, "bytes": Bytes, "percent": Percent, "count": Count, "number": float, "boolean": bool,
}  # fmt: skip


def input_type(declared: Input) -> Any:  # noqa: ANN401 - annotations have no common type
    """Returns the annotation of an input, with its unit, or with the literals of an enum."""
    return Literal[declared.values] if declared.values else _INPUTS.get(declared.type, str)


def evidence_types(runbook: Runbook) -> dict[str, Any]:
    """Returns the annotation of each step's evidence; Any if its action is unknown."""
    found: dict[str, Any] = {}
    for name, step in runbook.gather.items():
        try:
            result = of_diagnostic(step.use).result
        except UnknownAction:
            result = Any
        found[name] = GenericAlias(list, (result,)) if step.is_list else result
    return found


def runbook_scope(runbook: Runbook) -> dict[str, Any]:
    """Returns the names that causes, card fields and remedies can read."""
    return {
        **evidence_types(runbook),
        "inputs": RecordType({name: input_type(declared) for name, declared in runbook.inputs.items()}),
        "target": TARGET,
    }


def helped_scope(runbook: Runbook) -> dict[str, Any]:
    """Returns the names that the condition of `helped` can read: also the evidence from before the change."""
    return {**runbook_scope(runbook), BEFORE: RecordType(evidence_types(runbook))}


def step_scope(runbook: Runbook, step: str) -> dict[str, Any]:
    """Returns the names that a gather step can read: the other steps, the inputs, the alert's labels, the target."""
    others = {name: kind for name, kind in runbook_scope(runbook).items() if name != step}
    return {**others, "labels": Mapping[str, str]}


def before_in(source: str) -> frozenset[str]:
    """Returns the names of the steps that a condition reads as they were before the change; raises ExpressionError."""
    read = [node for node in walk(syntax_tree(source)) if isinstance(node, nodes.Getattr)]
    return frozenset(each.attr for each in read if isinstance(each.node, nodes.Name) and each.node.name == BEFORE)


def names_in(value: object) -> frozenset[str]:
    """Returns the names that the expressions in a value of `with` read; raises ExpressionError."""
    if isinstance(value, str):
        if "{{" not in value:
            return frozenset()
        expression = sole_expression(value)
        return _names(value, True) if expression is None else _names(expression, False)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return frozenset().union(*(names_in(each) for each in value))
    return frozenset()


def names_of_condition(source: str) -> frozenset[str]:
    """Returns the names that a condition reads; raises ExpressionError."""
    return _names(source, False)


@lru_cache(maxsize=2048)
def _names(source: str, template: bool) -> frozenset[str]:
    tree = syntax_tree(source, template=template)
    return frozenset(node.name for node in walk(tree) if isinstance(node, nodes.Name))
