"""Which names the expressions of a runbook read. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import nodes

from bot.runbook.expressions.syntax import ExpressionError, sole_expression, syntax_tree, walk
from bot.runbook.language.gather_schema import GatherStep
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_base import Selector
from bot.spelling import closest_match

_ALL = "*"


@dataclass(frozen=True, slots=True)
class NameUsage:
    """The names at the start of expressions, and the names of the inputs that they read; `*` stands for all."""

    names: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()

    def __or__(self, other: NameUsage) -> NameUsage:
        return NameUsage(self.names | other.names, self.inputs | other.inputs)

    def reads_input(self, name: str, declared: Collection[str]) -> bool:
        """Whether the input is read, possibly under a misspelt name, which unknown-field reports."""
        return not corrected(self.inputs, declared).isdisjoint({name, _ALL})

    def reads_step(self, name: str, declared: Collection[str]) -> bool:
        """Whether the step's evidence is read, possibly under a misspelt name, which unknown-name reports."""
        return not corrected(self.names, declared).isdisjoint({name, _ALL})


_NOTHING = NameUsage()
_EVERYTHING = NameUsage(frozenset({_ALL}), frozenset({_ALL}))


def corrected(names: Iterable[str], declared: Collection[str]) -> frozenset[str]:
    """Replaces each misspelt name by the declared name that it is closest to."""
    return frozenset(name if name in declared else closest_match(name, declared) or name for name in names)


def usage_by_step(step: GatherStep) -> NameUsage:
    """Returns what a gather step reads in `with`, `when` and `each`."""
    usage = _of_value(step.parameters)
    for source in (step.when, step.each):
        if source is not None:
            usage |= _of_source(source, False)
    return usage


def usage_outside_steps(runbook: Runbook) -> NameUsage:
    """Returns what the card fields, causes and remedies read."""
    usage = _NOTHING
    for template in runbook.shows.values():
        usage |= _of_source(template, True)
    for cause in runbook.causes:
        usage |= _of_source(cause.when, False) | _of_source(cause.says, True)
        if cause.helped is not None and cause.helped.when is not None:
            usage |= _of_source(cause.helped.when, False)
        if cause.continue_ is not None:
            usage |= _of_value(cause.continue_.parameters)
    for remedy in runbook.remedies.values():
        if isinstance(remedy.on, Selector):
            usage |= _of_value(remedy.on.tablet)
        for step in remedy.each_step:
            usage |= _of_value(step.parameters)
    return usage


def _of_value(value: object) -> NameUsage:
    if isinstance(value, str):
        if "{{" not in value:
            return _NOTHING
        expression = sole_expression(value)
        return _of_source(expression, False) if expression else _of_source(value, True)
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    usage = _NOTHING
    for each in items:
        usage |= _of_value(each)
    return usage


@lru_cache(maxsize=2048)
def _of_source(source: str, template: bool) -> NameUsage:
    try:
        tree = syntax_tree(source, template=template)
    except ExpressionError:
        return _EVERYTHING  # an invalid expression may be meant to read anything
    all_nodes = list(walk(tree))
    names = [node.name for node in all_nodes if isinstance(node, nodes.Name)]
    inputs = [name for node in all_nodes if (name := _input_name(node)) is not None]
    only_by_name = len(inputs) == names.count("inputs")
    return NameUsage(frozenset(names), frozenset(inputs) if only_by_name else frozenset({_ALL}))


def _input_name(node: nodes.Node) -> str | None:
    """Returns NAME of `inputs.NAME` or `inputs["NAME"]`."""
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return None
    if not isinstance(node.node, nodes.Name) or node.node.name != "inputs":
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
