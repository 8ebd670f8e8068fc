"""What several lint rules need to know about a runbook: its type errors, and its uses of actions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from bot.runbook.expressions.names import helped_scope, runbook_scope, step_scope
from bot.runbook.expressions.nullability import non_null_where
from bot.runbook.expressions.value_types import ANY, BaseType, ValueType
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.gather_schema import GatherStep
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_base import Place, Selector
from bot.runbook.language.signatures import Signature, UnknownAction, of_diagnostic, of_remediation
from bot.runbook.linting.expression_checks import Scope, check_condition, check_template, check_value, type_at


@dataclass(frozen=True, slots=True)
class Argument:
    """A value under `with` for a parameter that the action has."""

    path: Path
    name: str
    annotation: Any
    """The annotation of the parameter."""
    type: ValueType | None
    """The type of the value; None if it contains no expression."""
    value: object


@dataclass(frozen=True, slots=True)
class ActionUse:
    """One use of a known action, in a gather step or in a remedy."""

    path: Path
    """The step or remedy."""
    action: str
    signature: Signature
    reader: type
    """The protocol of what the action reads: MySQL, ProxySQL, Vitess, Prometheus or Endpoint."""
    location_path: Path
    """The step or remedy whose `on` applies."""
    location: Place | Selector
    parameters: Mapping[str, object]


@dataclass(slots=True)
class Analysis:
    """A runbook, with everything that one pass over its expressions and actions finds."""

    runbook: Runbook
    type_problems: list[Problem] = field(default_factory=list)
    """What the parser and the type checker of expressions report, each under the id of its rule."""
    uses: list[ActionUse] = field(default_factory=list)
    arguments: list[Argument] = field(default_factory=list)
    unknown_actions: list[tuple[Path, UnknownAction]] = field(default_factory=list)


def analyze(runbook: Runbook) -> Analysis:
    """Type-checks every expression of a runbook and collects its uses of actions."""
    found = Analysis(runbook)
    for name, step in runbook.gather.items():
        _analyze_step(found, ("gather", name), step, Scope(step_scope(runbook, name)))
    names = runbook_scope(runbook)
    for label, template in runbook.shows.items():
        found.type_problems += check_template(("shows", label), template, Scope(names))
    for number, cause in enumerate(runbook.causes):
        path: Path = ("causes", number)
        found.type_problems += check_condition((*path, "when"), cause.when, Scope(names))
        found.type_problems += check_template((*path, "says"), cause.says, Scope(names, non_null_where(cause.when)))
        if cause.helped is not None and cause.helped.when is not None:
            helped = Scope(helped_scope(runbook))
            found.type_problems += check_condition((*path, "helped", "when"), cause.helped.when, helped)
        proved = Scope(names, non_null_where(cause.when))
        for key, value in cause.continue_.parameters.items() if cause.continue_ is not None else ():
            found.type_problems += check_value((*path, "continue", "with", key), value, proved)[1]
    for name in runbook.remedies:
        _analyze_remedy(found, name, Scope(names, _non_null_where_offered(runbook, name)))
    return found


def _analyze_step(found: Analysis, path: Path, step: GatherStep, scope: Scope) -> None:
    if step.when is not None:
        found.type_problems += check_condition((*path, "when"), step.when, scope)
    try:
        signature = of_diagnostic(step.use)
    except UnknownAction as error:
        found.unknown_actions.append(((*path, "use"), error))
        return
    names = dict(scope.names)
    non_null = non_null_where(step.when) if step.when is not None else scope.non_null
    if step.each is not None:
        names["item"], problems = _item_type((*path, "each"), step.each, Scope(names, non_null))
        found.type_problems += problems
    reader = DIAGNOSTICS[step.use].reader
    use = ActionUse(path, step.use, signature, reader, path, step.on, step.parameters)
    _add_use(found, use, Scope(names, non_null))


def _item_type(path: Path, source: str, scope: Scope) -> tuple[ValueType, list[Problem]]:
    """Returns the type of the items of `each`, and the problems of its expression."""
    found, problems = type_at(path, source, scope)
    if found.is_known and found.base is not BaseType.LIST:
        problems.append(Problem(path, f"`each` requires a list; {source!r} is {found}", "wrong-value"))
    return found.item or ANY, problems


def _non_null_where_offered(runbook: Runbook, remedy: str) -> frozenset[str]:
    """Returns the expressions that are not NULL under every cause that offers the remedy."""
    offered = [non_null_where(cause.when) for cause in runbook.causes if remedy in cause.remedies]
    return frozenset.intersection(*offered) if offered else frozenset()


def _analyze_remedy(found: Analysis, name: str, scope: Scope) -> None:
    remedy = found.runbook.remedies[name]
    path: Path = ("remedies", name)
    if isinstance(remedy.on, Selector) and remedy.on.tablet is not None:
        found.type_problems += check_value((*path, "on", "tablet"), remedy.on.tablet, scope)[1]
    for number, step in enumerate(remedy.each_step):
        step_path: Path = (*path, "steps", number) if remedy.steps else path
        if step.use is None:
            for key, value in step.parameters.items():
                found.type_problems += check_value((*step_path, "with", key), value, scope)[1]
            continue
        try:
            signature = of_remediation(step.use)
        except UnknownAction as error:
            found.unknown_actions.append(((*step_path, "use"), error))
            continue
        reader = REMEDIATIONS[step.use].reader
        _add_use(found, ActionUse(step_path, step.use, signature, reader, path, remedy.on, step.parameters), scope)


def _add_use(found: Analysis, use: ActionUse, scope: Scope) -> None:
    found.uses.append(use)
    for argument, problems in _arguments(use, scope):
        found.arguments.append(argument)
        found.type_problems += problems


def _arguments(use: ActionUse, scope: Scope) -> Iterator[tuple[Argument, list[Problem]]]:
    for name, value in use.parameters.items():
        if name in use.signature.parameters:
            path: Path = (*use.path, "with", name)
            value_type, problems = check_value(path, value, scope)
            yield Argument(path, name, use.signature.parameters[name], value_type, value), problems
