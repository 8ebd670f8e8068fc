"""Checks of `remedies`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from actions.catalog import REMEDIATIONS
from bot.runbook.expressions.names import scope_of
from bot.runbook.expressions.nullability import known_where
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import RemedyStep, Runbook
from bot.runbook.language.schema_base import Selector
from bot.runbook.language.signatures import UnknownAction, of_remediation
from bot.runbook.linting.checks.places import check_place
from bot.runbook.linting.checks.values import Scope, check_parameters, check_value


def check_remedies(runbook: Runbook) -> Iterator[Problem]:
    """Holds every remedy against its action."""
    names = scope_of(runbook)
    for name, remedy in runbook.remedies.items():
        scope = Scope(names, _known(runbook, name))
        if isinstance(remedy.on, Selector) and remedy.on.tablet is not None:
            yield from check_value(("remedies", name, "on", "tablet"), remedy.on.tablet, scope)[1]
        for number, step in enumerate(remedy.each_step):
            yield from _step(("remedies", name, *(("steps", number) if remedy.steps else ())), step, scope)
            if step.use is not None and step.use in REMEDIATIONS:
                yield from check_place(("remedies", name), step.use, REMEDIATIONS[step.use].reader, remedy.on)


def _known(runbook: Runbook, remedy: str) -> frozenset[str]:
    """What is not empty wherever this remedy is offered: under every cause that offers it."""
    offered = [known_where(cause.when) for cause in runbook.causes if remedy in cause.remedies]
    return frozenset.intersection(*offered) if offered else frozenset()


def _step(path: Path, step: RemedyStep, scope: Scope) -> Iterator[Problem]:
    if step.use is None:
        for name, written in step.parameters.items():
            yield from check_value((*path, "with", name), written, scope)[1]
        return
    try:
        signature = of_remediation(step.use)
    except UnknownAction as error:
        yield Problem((*path, "use"), error.says, "unknown-action", error.suggestion)
        return
    yield from check_parameters(path, step.use, signature, step.parameters, scope)
