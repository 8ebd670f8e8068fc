"""Checks of `remedies`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.checks.problem import Problem, check_parameters
from bot.runbook.document import Path
from bot.runbook.names import scope_of
from bot.runbook.schema import Runbook
from bot.runbook.signatures import UnknownAction, of_remediation


def check_remedies(runbook: Runbook) -> Iterator[Problem]:
    """Holds every remedy against its action."""
    scope = scope_of(runbook)
    for name, remedy in runbook.remedies.items():
        path: Path = ("remedies", name)
        try:
            signature = of_remediation(remedy.use)
        except UnknownAction as error:
            yield Problem((*path, "use"), str(error))
            continue
        yield from check_parameters(path, remedy.use, signature, remedy.parameters, scope)
