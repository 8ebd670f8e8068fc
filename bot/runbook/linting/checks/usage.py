"""Checks of the whole runbook: inputs, steps, remedies and causes that nothing reads, offers or tests. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import nodes

from bot.runbook.expressions.syntax import ExpressionError, every_node, tree_of, whole
from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_base import GatherStep, Selector
from bot.runbook.language.signatures import meant

_ALL = "*"


@dataclass(frozen=True, slots=True)
class Read:
    """The names that expressions begin with, and the inputs among them; `*` stands for all."""

    names: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()

    def __or__(self, other: Read) -> Read:
        return Read(self.names | other.names, self.inputs | other.inputs)


_NOTHING = Read()
_EVERYTHING = Read(frozenset({_ALL}), frozenset({_ALL}))


def check_usage(runbook: Runbook) -> Iterator[Problem]:
    """Finds what is there for nothing; all of it are warnings.

    A misspelt name is told as an error elsewhere, and counts here as the one that was meant.
    """
    steps = {name: _read_by_step(step) for name, step in runbook.gather.items()}
    rest = _read_by_the_rest(runbook)
    read = rest
    for each in steps.values():
        read |= each
    inputs = _meant(read.inputs, runbook.inputs)
    for name in runbook.inputs:
        if not inputs & {name, _ALL}:
            yield Problem(("inputs", name), f"nothing reads the input {name!r}", "unused-input", on_key=True)
    for name, step in runbook.gather.items():
        others = frozenset[str]().union(rest.names, *(each.names for other, each in steps.items() if other != name))
        if not _meant(others, runbook.gather) & {name, _ALL} and not step.show:
            says = f"nothing reads the evidence of the step {name!r}"
            yield Problem(("gather", name), says, "unread-step", "remove it, or mark it `show: true`", on_key=True)
    offered = _meant((remedy for cause in runbook.causes for remedy in cause.remedies), runbook.remedies)
    for name in runbook.remedies:
        if name not in offered:
            yield Problem(("remedies", name), f"no cause offers the remedy {name!r}", "unused-remedy", on_key=True)
    yield from _untested(runbook)


def _meant(names: Iterable[str], known: Collection[str]) -> frozenset[str]:
    return frozenset(name if name in known else meant(name, known) or name for name in names)


def _untested(runbook: Runbook) -> Iterator[Problem]:
    named = {cause for test in runbook.tests for cause in (test.expect.cause, *(test.expect.causes or ()))}
    expected = _meant((each for each in named if each is not None), [cause.id for cause in runbook.causes])
    for number, cause in enumerate(runbook.causes):
        if cause.id not in expected:
            says = f"no test expects the cause {cause.id!r}"
            yield Problem(("causes", number, "id"), says, "untested-cause", "give it a test under `tests`")


def _read_by_step(step: GatherStep) -> Read:
    read = _of_value(step.parameters)
    for source in (step.when, step.each):
        if source is not None:
            read |= _of_source(source, False)
    return read


def _read_by_the_rest(runbook: Runbook) -> Read:
    read = _NOTHING
    for template in runbook.shows.values():
        read |= _of_source(template, True)
    for cause in runbook.causes:
        read |= _of_source(cause.when, False) | _of_source(cause.says, True)
    for remedy in runbook.remedies.values():
        if isinstance(remedy.on, Selector):
            read |= _of_value(remedy.on.tablet)
        for step in remedy.each_step:
            read |= _of_value(step.parameters)
    return read


def _of_value(value: object) -> Read:
    if isinstance(value, str):
        alone = whole(value) if "{{" in value else None
        return _of_source(alone, False) if alone else _of_source(value, True) if "{{" in value else _NOTHING
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    read = _NOTHING
    for each in inner:
        read |= _of_value(each)
    return read


@lru_cache(maxsize=2048)
def _of_source(source: str, template: bool) -> Read:
    try:
        tree = tree_of(source, template=template)
    except ExpressionError:
        return _EVERYTHING  # who knows what it would read
    every = list(every_node(tree))
    names = [node.name for node in every if isinstance(node, nodes.Name)]
    fields = frozenset(name for node in every if (name := _input_of(node)) is not None)
    plainly = sum(_input_of(node) is not None for node in every) == names.count("inputs")
    return Read(frozenset(names), fields if plainly else frozenset({_ALL}))


def _input_of(node: nodes.Node) -> str | None:
    """The name of `inputs.name` or `inputs["name"]`."""
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return None
    if not isinstance(node.node, nodes.Name) or node.node.name != "inputs":
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) else None
