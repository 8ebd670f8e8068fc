"""Checks of `inputs`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.language.findings import Problem
from bot.runbook.language.inputs import read
from bot.runbook.language.schema import Runbook


def check_inputs(runbook: Runbook) -> Iterator[Problem]:
    """Holds every default against its input's type."""
    for name, declared in runbook.inputs.items():
        if declared.default is not None:
            try:
                read(declared, declared.default)
            except ValueError as error:
                yield Problem(("inputs", name, "default"), f"the default does not fit: {error}", "wrong-default")
