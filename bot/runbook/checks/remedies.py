"""Checks of `remedies`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.checks.problem import Problem, check_parameters, tried
from bot.runbook.document import Path
from bot.runbook.names import TARGET, check_value, scope_of
from bot.runbook.schema import Runbook
from bot.runbook.signatures import UnknownAction, of_remediation


def check_remedies(runbook: Runbook) -> Iterator[Problem]:
    """Holds every remedy against its action."""
    scope = {**scope_of(runbook), "target": TARGET}
    for name, remedy in runbook.remedies.items():
        path: Path = ("remedies", name)
        for number, step in enumerate(remedy.each_step):
            where: Path = (*path, "steps", number) if remedy.steps else path
            if step.use is None:
                for written in step.parameters.values():
                    yield from tried((*where, "with"), check_value, written, scope)
                continue
            try:
                signature = of_remediation(step.use)
            except UnknownAction as error:
                yield Problem((*where, "use"), str(error))
                continue
            yield from check_parameters(where, step.use, signature, step.parameters, scope)
