"""Looks at one runbook from its text to its last expression, and says everything that is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bot.runbook.language.document import Document, read
from bot.runbook.language.findings import Finding, Problem, RunbookRefused, Severity
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_validation import shaped
from bot.runbook.linting.checks import check


@dataclass(frozen=True, slots=True)
class Examined:
    """One file as far as it could be read, and what was found in it, in the order of its lines."""

    file: str
    document: Document | None
    runbook: Runbook | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)


_KEPT = 128
"""Texts of which is remembered what was found: a process reads the shipped runbooks more than once."""


@lru_cache(_KEPT)
def examine(text: str, file: str, *, name: str | None = None, advice: bool = True) -> Examined:
    """Examines the text of a runbook; `file` stands in the findings, `name` is what the runbook must be called.

    Without `advice` nothing is looked for that would only be a warning about the runbook as a whole.
    """
    try:
        document = read(text, file)
    except RunbookRefused as refused:
        return Examined(file, None, None, refused.findings)
    found = shaped(document)
    if isinstance(found, list):
        return Examined(file, document, None, _placed(document, found))
    problems = check(found, advice=advice)
    if name is not None and found.runbook != name:
        says = f"the name is {found.runbook!r}, but the file's place says {name!r}"
        problems.append(Problem(("runbook",), says, "name-mismatch"))
    return Examined(file, document, found, _placed(document, problems))


def _placed(document: Document, problems: list[Problem]) -> tuple[Finding, ...]:
    return tuple(sorted({document.finding(problem) for problem in problems}))
