"""Checks of `gather`: the actions, their parameters, and the order of the steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from actions.catalog import DIAGNOSTICS
from bot.runbook.diagnosis.gather_steps import needs
from bot.runbook.expressions.names import gather_scope
from bot.runbook.expressions.nullability import known_where
from bot.runbook.expressions.syntax import ExpressionError
from bot.runbook.expressions.value_types import ANY, Base, Kind
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_base import GatherStep
from bot.runbook.language.signatures import UnknownAction, of_diagnostic
from bot.runbook.linting.checks.places import check_place
from bot.runbook.linting.checks.values import Scope, check_condition, check_parameters, kind_at


def check_gather(runbook: Runbook) -> Iterator[Problem]:
    """Holds every step against its diagnostic; where all can be read, the order of the steps too."""
    for name, step in runbook.gather.items():
        yield from _step(("gather", name), step, Scope(gather_scope(runbook, name)))
    try:
        waiting = {name: needs(step, runbook.gather) for name, step in runbook.gather.items()}
    except ExpressionError:
        return  # told above
    yield from _order(waiting)


def _step(path: Path, step: GatherStep, scope: Scope) -> Iterator[Problem]:
    if step.when is not None:
        yield from check_condition((*path, "when"), step.when, scope)
    try:
        signature = of_diagnostic(step.use)
    except UnknownAction as error:
        yield Problem((*path, "use"), error.says, "unknown-action", error.suggestion)
        return
    if step.use.startswith("prometheus.") and step.on != "target":
        says = "Prometheus is asked once; name instances in the query, not in `on`"
        yield Problem((*path, "on"), says, "wrong-place")
    yield from check_place(path, step.use, DIAGNOSTICS[step.use].reader, step.on)
    names = dict(scope.names)
    known = known_where(step.when) if step.when is not None else scope.known
    if step.each is not None:
        names["item"], problems = _each((*path, "each"), step.each, Scope(names, known))
        yield from problems
    yield from check_parameters(path, step.use, signature, step.parameters, Scope(names, known))
    yield from _cost(path, step)


def _each(path: Path, source: str, scope: Scope) -> tuple[Kind, list[Problem]]:
    """The kind of the items of `each`, and what is wrong with it."""
    kind, problems = kind_at(path, source, scope)
    if kind.known and kind.base is not Base.LIST:
        says = f"{source!r} is {kind}, so there is nothing to ask about each item of"
        problems.append(Problem(path, says, "wrong-value"))
    return kind.item or ANY, problems


def _cost(path: Path, step: GatherStep) -> Iterator[Problem]:
    """A diagnostic that looks cheaply first may be asked of one server at any time; of many, not even that."""
    declared = DIAGNOSTICS[step.use]
    if not declared.costly or step.when is not None or (declared.gated and not step.is_list):
        return
    where = "many times" if step.each is not None else "of several servers" if step.is_list else "on every run"
    says = f"{step.use} can stall a server, and it is asked {where}"
    yield Problem(path, says, "costly-step", "give the step a `when` that a cheaper step answers", on_key=True)


def _order(waiting: dict[str, set[str]]) -> Iterator[Problem]:
    """Steps that wait for each other would wait for ever."""
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in ready:
            del waiting[name]
    for name in waiting:
        others = ", ".join(sorted(waiting.keys() - {name})) or "itself"
        says = f"the step {name!r} waits for {others}, which waits for it"
        yield Problem(("gather", name), says, "step-cycle", on_key=True)
