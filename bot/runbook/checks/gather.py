"""Checks of `gather`: the actions, their parameters, and the order of the steps. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from bot.runbook.checks.problem import Problem, check_parameters, tried
from bot.runbook.document import Path
from bot.runbook.expressions import ExpressionError
from bot.runbook.names import check_expression, gather_scope
from bot.runbook.schema import Runbook
from bot.runbook.signatures import UnknownAction, bare, item_of, of_diagnostic
from bot.runbook.steps import needs


def check_gather(runbook: Runbook) -> Iterator[Problem]:
    """Holds every step against its diagnostic; where all fit, the order of the steps too."""
    problems = list(_steps(runbook))
    yield from problems or _order(runbook)


def _steps(runbook: Runbook) -> Iterator[Problem]:
    for name, step in runbook.gather.items():
        path: Path = ("gather", name)
        scope = gather_scope(runbook, name)
        try:
            signature = of_diagnostic(step.use)
        except UnknownAction as error:
            yield Problem((*path, "use"), str(error))
            continue
        if step.use.startswith("prometheus.") and step.on != "target":
            yield Problem((*path, "on"), "Prometheus is asked once; name instances in the query, not in `on`")
        if step.each is not None:
            found = yield from _each((*path, "each"), step.each, scope)
            scope = {**scope, "item": found}
        yield from check_parameters(path, step.use, signature, step.parameters, scope)
        if step.when is not None:
            yield from tried((*path, "when"), check_expression, step.when, scope)


def _each(path: Path, source: str, scope: Mapping[str, Any]) -> Generator[Problem, None, Any]:
    """Checks that `each` is a list, and returns the type of its items."""
    try:
        kind = check_expression(source, scope)
    except ExpressionError as error:
        yield Problem(path, str(error))
        return Any
    item = item_of(kind)
    if item is None and bare(kind) is not Any:
        yield Problem(path, f"{source!r} is not a list, so there is nothing to ask about each item of")
    return Any if item is None else item


def _order(runbook: Runbook) -> Iterator[Problem]:
    """Steps that wait for each other would wait for ever."""
    waiting = {name: needs(step, runbook.gather) for name, step in runbook.gather.items()}
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    for name in waiting:
        others = ", ".join(sorted(waiting.keys() - {name})) or "itself"
        yield Problem(("gather", name), f"the step {name!r} waits for {others}, which waits for it")
