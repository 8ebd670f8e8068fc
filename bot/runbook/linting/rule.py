"""What a lint rule consists of: its id, severity, description, examples and check. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.analysis import Analysis


class Severity(StrEnum):
    """An error prevents a runbook from being used; a warning is only reported."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class RunbookFile:
    """A valid runbook, and the file that it was read from."""

    file: str
    runbook: Runbook


Check: TypeAlias = Callable[[Analysis], Iterator[Problem]]
"""Finds the violations in one runbook."""
FolderCheck: TypeAlias = Callable[[Sequence[RunbookFile]], Iterator[tuple[RunbookFile, Problem]]]
"""Finds the violations between the runbooks of one folder."""
LibraryCheck: TypeAlias = Callable[
    [Sequence[RunbookFile], Mapping[str, Runbook]], Iterator[tuple[RunbookFile, Problem]]
]
"""Finds the violations between runbooks; the mapping has every runbook by name, including those that are not linted."""

EXAMPLE_HEAD = """\
runbook: example
title: Replica lag
owner: datastores
"""
"""The first keys of every example that does not name its runbook itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One lint rule. Exactly one of the three checks or `reported_by` is given."""

    id: str
    severity: Severity
    description: str
    """What the rule reports, in one sentence."""
    passing: str
    """YAML without a violation, below EXAMPLE_HEAD; several complete files each begin with a line `# FILE path`."""
    failing: str
    """YAML with this violation only; '' if no text can have it."""
    check: Check | None = None
    check_folder: FolderCheck | None = None
    check_library: LibraryCheck | None = None
    reported_by: str = ""
    """The module that reports the violation, for a rule without a check of its own."""
