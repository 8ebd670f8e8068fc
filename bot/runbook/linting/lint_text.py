"""Lints the text of one runbook: YAML, schema, and every rule that needs no other runbook. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.runbook.language.findings import Finding, Problem, RunbookRefused
from bot.runbook.language.positioned_document import Document, read
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_validation import validate
from bot.runbook.linting.analysis import analyze
from bot.runbook.linting.rule import RunbookFile, Severity
from bot.runbook.linting.rules import RULES, severity_of
from bot.runbook.linting.rules.name_mismatch import check_name


@dataclass(frozen=True, slots=True)
class LintedFile:
    """The findings of one file, sorted by line, with its document and runbook as far as they could be read."""

    file: str
    document: Document | None
    runbook: Runbook | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that prevent the runbook from being used."""
        return tuple(each for each in self.findings if severity_of(each) is Severity.ERROR)

    @property
    def runbook_file(self) -> RunbookFile | None:
        """The runbook with its file, for checks across runbooks; None if the file holds no valid runbook."""
        return RunbookFile(self.file, self.runbook) if self.runbook is not None else None


_CACHED = 128
"""The texts whose result is cached: one process reads the shipped runbooks several times."""


@lru_cache(_CACHED)
def lint_text(text: str, file: str, *, name: str | None = None, warnings: bool = True) -> LintedFile:
    """Lints the text of a runbook; `file` is the name in the findings, `name` is the name that the runbook must have.

    Without `warnings`, rules that only warn are skipped, except those that the type checker reports anyway.
    """
    try:
        document = read(text, file)
    except RunbookRefused as refused:
        return LintedFile(file, None, None, refused.findings)
    validated = validate(document)
    if isinstance(validated, list):
        return LintedFile(file, document, None, _located(document, validated))
    problems = list(_problems(validated, warnings=warnings))
    if name is not None:
        problems += check_name(validated.runbook, name)
    return LintedFile(file, document, validated, _located(document, problems))


def _problems(runbook: Runbook, *, warnings: bool) -> Iterator[Problem]:
    analysis = analyze(runbook)
    yield from analysis.type_problems
    for rule in RULES.values():
        if rule.check is not None and (warnings or rule.severity is Severity.ERROR):
            yield from rule.check(analysis)


def _located(document: Document, problems: list[Problem]) -> tuple[Finding, ...]:
    return tuple(sorted({document.finding(problem) for problem in problems}))
