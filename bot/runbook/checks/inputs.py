"""Checks of `inputs`. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.runbook.findings import Problem
from bot.runbook.inputs import read
from bot.runbook.schema import Runbook


def check_inputs(runbook: Runbook) -> Iterator[Problem]:
    """Holds every default against its input's type."""
    for name, declared in runbook.inputs.items():
        if declared.default is not None:
            try:
                read(declared, declared.default)
            except ValueError as error:
                yield Problem(("inputs", name, "default"), f"the default does not fit: {error}", "wrong-default")
