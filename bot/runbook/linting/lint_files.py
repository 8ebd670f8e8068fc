"""Lints files and folders of runbooks: each file by itself, and all of them together."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import WrongUsage
from bot.runbook.language.findings import Finding, Problem, RunbookRefused
from bot.runbook.language.positioned_document import read
from bot.runbook.language.runbook_files import files_of, read_file
from bot.runbook.language.schema import Runbook
from bot.runbook.linting.cross_checks import check_folder, check_library
from bot.runbook.linting.lint_text import LintedFile, lint_text
from bot.runbook.linting.rule import RunbookFile, Severity
from bot.runbook.linting.rules import severity_of
from bot.runbook.linting.rules.name_mismatch import check_name

PARALLEL_FROM = 64
"""The number of files from which all processors are used; fewer are done before other processes have started."""


@dataclass(frozen=True, slots=True)
class LintReport:
    """The findings of all files, sorted by file and line, with the texts of the files."""

    findings: tuple[Finding, ...]
    texts: Mapping[str, str]
    """File as findings name it -> its text, if it could be read."""
    files: int

    def count(self, severity: Severity) -> int:
        """Returns the number of findings with this severity."""
        return sum(severity_of(each) is severity for each in self.findings)

    def source_line(self, finding: Finding) -> str:
        """Returns the line of the file that a finding is in; '' if the file has no such line."""
        lines = self.texts.get(finding.file, "").split("\n")
        return lines[finding.line - 1].rstrip("\r") if finding.line <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    relative: Path
    """The path below the folder that was given."""
    in_root: bool = False
    """Whether that folder is the root of all runbooks, so that the runbook must be named exactly like `relative`."""


def lint_paths(paths: Sequence[Path], others: Callable[[], Iterable[Runbook]]) -> LintReport:
    """Lints files, and folders with their subfolders; raises WrongUsage for a path without runbooks.

    A folder may be the root of all runbooks or a folder below it. `others` returns runbooks that those linted can refer
    to; it is called only if one of them refers to a runbook that is not linted.
    """
    groups: list[list[_File]] = []
    single: list[_File] = []
    for path in dict.fromkeys(paths):
        if path.is_dir():
            groups.append([_File(each, each.relative_to(path)) for each in files_of(path)])
            if not groups[-1]:
                raise WrongUsage(f"{path} contains no runbooks (*.yml, *.yaml).")
        elif path.is_file():
            single.append(_File(path, Path(path.name)))
        else:
            raise WrongUsage(f"{path} is not a readable file or folder.")
    return _lint([*groups, single], others, os.cpu_count() or 1)


def lint_folders(folders: Iterable[Path]) -> LintReport:
    """Lints the configured runbook folders; a runbook of a later folder replaces its namesake of an earlier one."""
    return _lint([[_File(each, each.relative_to(folder), True) for each in files_of(folder)] for folder in folders])


def _lint(
    groups: Sequence[Sequence[_File]], others: Callable[[], Iterable[Runbook]] | None = None, processors: int = 1
) -> LintReport:
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    in_force: dict[str, RunbookFile] = {}
    for group in groups:
        valid: list[RunbookFile] = []
        for text, linted in _lint_each(group, processors):
            findings += linted.findings
            if text is not None:
                texts[linted.file] = text
            if linted.runbook_file is not None:
                valid.append(linted.runbook_file)
        findings += _located(check_folder(valid), texts)
        in_force.update((each.runbook.runbook, each) for each in valid)
    referable = others() if others is not None and _refers_outside(in_force) else ()
    findings += _located(check_library(list(in_force.values()), referable), texts)
    return LintReport(tuple(sorted(set(findings))), texts, sum(map(len, groups)))


def _refers_outside(linted: Mapping[str, RunbookFile]) -> bool:
    remedies = [remedy for each in linted.values() for remedy in each.runbook.remedies.values()]
    named = {step.runbook for remedy in remedies for step in remedy.each_step if step.runbook is not None}
    named |= {cause.continues for each in linted.values() for cause in each.runbook.causes}
    return bool(named - linted.keys() - {""})


def _located(problems: Iterable[tuple[RunbookFile, Problem]], texts: Mapping[str, str]) -> Iterator[Finding]:
    """Parses the documents again to find the lines: few files have such a problem, and documents need much memory."""
    for file, problem in problems:
        yield read(texts[file.file], file.file).finding(problem)


def _lint_each(files: Sequence[_File], processors: int) -> Iterator[tuple[str | None, LintedFile]]:
    if processors < 2 or len(files) < PARALLEL_FROM:
        yield from map(_lint_file, files)
        return
    # Syntax trees are many small, long-lived objects, for which the default threshold starts the collector too often.
    with ProcessPoolExecutor(processors, initializer=gc.set_threshold, initargs=(50_000,)) as pool:
        yield from pool.map(_lint_file, files, chunksize=16)


def _lint_file(file: _File) -> tuple[str | None, LintedFile]:
    """Returns the text of a file, None if it cannot be read, and its findings."""
    path = str(file.path)
    try:
        text = read_file(file.path)
    except RunbookRefused as refused:
        return None, LintedFile(path, None, None, refused.findings)
    linted = lint_text(text, path)
    if linted.runbook is None or linted.document is None:
        return text, linted
    name = linted.runbook.runbook
    misnamed = tuple(map(linted.document.finding, check_name(name, _expected_name(file, name))))
    return text, replace(linted, document=None, findings=(*linted.findings, *misnamed))


def _expected_name(file: _File, name: str) -> str:
    """Returns the path below the root of runbooks; if the root is unknown, as much of the path's end as `name` has."""
    parts = file.path.absolute().with_suffix("").parts
    least = len(file.relative.parts)
    return "/".join(parts[-(least if file.in_root else max(least, name.count("/") + 1)) :])
