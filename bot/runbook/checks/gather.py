"""Checks of `gather`: the actions, their parameters, and the order of the steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.checks.problem import Problem, check_parameters, tried
from bot.runbook.document import Path
from bot.runbook.names import check_expression, gather_scope
from bot.runbook.schema import Runbook
from bot.runbook.signatures import UnknownAction, of_diagnostic
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
        yield from check_parameters(path, step.use, signature, step.parameters, scope)
        if step.when is not None:
            yield from tried((*path, "when"), check_expression, step.when, scope)


def _order(runbook: Runbook) -> Iterator[Problem]:
    """Steps that wait for each other would wait for ever."""
    waiting = {name: needs(step, runbook.gather) for name, step in runbook.gather.items()}
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    for name in waiting:
        others = ", ".join(sorted(waiting.keys() - {name})) or "itself"
        yield Problem(("gather", name), f"the step {name!r} waits for {others}, which waits for it")
