"""Checks of `causes`, each by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.expressions.names import scope_of
from bot.runbook.expressions.nullability import known_where
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import nearest
from bot.runbook.linting.checks.values import Scope, check_condition, check_template


def check_causes(runbook: Runbook) -> Iterator[Problem]:
    """Holds the expressions, the sentences and the names of every cause against the evidence and the remedies."""
    names = scope_of(runbook)
    seen: dict[str, int] = {}
    for number, cause in enumerate(runbook.causes):
        path: Path = ("causes", number)
        if cause.id in seen:
            yield Problem((*path, "id"), f"the cause {cause.id!r} stands here a second time", "duplicate-cause")
        for place, other in enumerate(cause.unless):
            if other not in seen:
                says = f"there is no cause {other!r} before this one"
                yield Problem((*path, "unless", place), says, "unknown-cause", nearest(other, seen))
        seen.setdefault(cause.id, number)
        yield from check_condition((*path, "when"), cause.when, Scope(names))
        yield from check_template((*path, "says"), cause.says, Scope(names, known_where(cause.when)))
        for place, remedy in enumerate(cause.remedies):
            if remedy not in runbook.remedies:
                says = f"there is no remedy {remedy!r}"
                yield Problem((*path, "remedy", place), says, "unknown-remedy", nearest(remedy, runbook.remedies))
