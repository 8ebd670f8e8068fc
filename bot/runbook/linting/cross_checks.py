"""Applies the rules that compare runbooks with each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.rule import RunbookFile
from bot.runbook.linting.rules import RULES


def check_folder(files: Sequence[RunbookFile]) -> Iterator[tuple[RunbookFile, Problem]]:
    """Yields the problems between the runbooks of one folder."""
    for rule in RULES.values():
        if rule.check_folder is not None:
            yield from rule.check_folder(files)


def check_library(
    files: Sequence[RunbookFile], others: Iterable[Runbook] = ()
) -> Iterator[tuple[RunbookFile, Problem]]:
    """Yields the problems between runbooks; `others` are runbooks that are not linted but can be referred to."""
    known = {runbook.runbook: runbook for runbook in others}
    known.update((each.runbook.runbook, each.runbook) for each in files)
    for rule in RULES.values():
        if rule.check_library is not None:
            yield from rule.check_library(files, known)
