"""Checks of `causes`, each by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.checks.problem import Problem, tried
from bot.runbook.document import Path
from bot.runbook.names import check_expression, check_template, scope_of
from bot.runbook.schema import Runbook
from bot.runbook.signatures import near


def check_causes(runbook: Runbook) -> Iterator[Problem]:
    """Holds the expressions, the sentences and the names of every cause against the evidence and the remedies."""
    scope = scope_of(runbook)
    seen: dict[str, int] = {}
    for number, cause in enumerate(runbook.causes):
        path: Path = ("causes", number)
        if cause.id in seen:
            yield Problem((*path, "id"), f"the cause {cause.id!r} stands here a second time")
        for other in cause.unless:
            if other not in seen:
                yield Problem((*path, "unless"), f"there is no cause {other!r} before this one{near(other, seen)}")
        seen[cause.id] = number
        yield from tried((*path, "when"), check_expression, cause.when, scope)
        yield from tried((*path, "says"), check_template, cause.says, scope)
        for remedy in cause.remedies:
            if remedy not in runbook.remedies:
                yield Problem((*path, "remedy"), f"there is no remedy {remedy!r}{near(remedy, runbook.remedies)}")
