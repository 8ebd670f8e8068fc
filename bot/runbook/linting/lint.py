"""Lints files and folders of runbooks: each by itself, and all of them together. Reads files through `load`."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import WrongUsage
from bot.runbook.language.document import Document, read
from bot.runbook.language.findings import Finding, Problem, RunbookRefused, Severity
from bot.runbook.language.schema import Runbook
from bot.runbook.library.load import files_of, read_file
from bot.runbook.linting.cross_checks import Told, check_together, same_names
from bot.runbook.linting.examine import Examined, examine

MANY = 64
"""From so many files on the command lints on all processors; a few are done before the others would have started."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order of files and lines, and the texts that it was found in."""

    findings: tuple[Finding, ...]
    texts: Mapping[str, str]
    """File, as findings name it -> its text, where it could be read."""
    files: int

    def count(self, severity: Severity) -> int:
        return sum(each.severity is severity for each in self.findings)

    def line(self, finding: Finding) -> str:
        """The line of the file that a finding is in; '' where there is none."""
        lines = self.texts.get(finding.file, "").split("\n")
        return lines[finding.line - 1].rstrip("\r") if finding.line <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    within: Path
    """Its path below the folder that was named."""
    strict: bool = False
    """The folder is that of all runbooks, so the name is just that path."""


def lint_paths(paths: Sequence[Path], around: Callable[[], Iterable[Runbook]]) -> Report:
    """Lints files, and folders with all runbooks below them; raises WrongUsage for what is not there.

    A folder may be the one of all runbooks, or one below it. `around` gives the runbooks that those linted may lean on.
    """
    groups: list[list[_File]] = []
    alone: list[_File] = []
    for path in dict.fromkeys(paths):
        if path.is_dir():
            groups.append([_File(each, each.relative_to(path)) for each in files_of(path)])
            if not groups[-1]:
                raise WrongUsage(f"{path} holds no runbooks (*.yml, *.yaml).")
        elif path.is_file():
            alone.append(_File(path, Path(path.name)))
        else:
            raise WrongUsage(f"{path} is neither a file nor a folder that can be read.")
    return _lint([*groups, alone], around, os.cpu_count() or 1)


def lint_folders(folders: Iterable[Path]) -> Report:
    """Lints the folders of runbooks that are in force; one of a later folder goes before its namesake of an earlier."""
    return _lint([[_File(each, each.relative_to(folder), True) for each in files_of(folder)] for folder in folders])


def _lint(
    groups: Sequence[Sequence[_File]], around: Callable[[], Iterable[Runbook]] | None = None, processors: int = 1
) -> Report:
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    latest: dict[str, Examined] = {}
    for group in groups:
        examined = []
        for text, one in _each(group, processors):
            examined.append(one)
            if text is not None:
                texts[one.file] = text
        findings += [finding for each in examined for finding in each.findings]
        findings += _placed(same_names(examined), texts)
        latest.update((each.runbook.runbook, each) for each in examined if each.runbook is not None)
    together = list(latest.values())
    others = around() if around is not None and _leans_outside(latest) else ()
    findings += _placed(check_together(together, others), texts)
    return Report(tuple(sorted(set(findings))), texts, sum(map(len, groups)))


def _leans_outside(known: Mapping[str, Examined]) -> bool:
    remedies = [remedy for each in known.values() if each.runbook for remedy in each.runbook.remedies.values()]
    named = {step.runbook for remedy in remedies for step in remedy.each_step}
    return bool(named - known.keys() - {None})


def _placed(told: Iterable[Told], texts: Mapping[str, str]) -> Iterator[Finding]:
    """The places are looked for once more: few files have such a problem, and their documents would fill memory."""
    for examined, problem in told:
        yield read(texts[examined.file], examined.file).finding(problem)


def _each(files: Sequence[_File], processors: int) -> Iterator[tuple[str | None, Examined]]:
    if processors < 2 or len(files) < MANY:
        yield from map(_examined, files)
        return
    # Trees of syntax are many small objects that live on, for which the collector would look far too often.
    with ProcessPoolExecutor(processors, initializer=gc.set_threshold, initargs=(50_000,)) as pool:
        yield from pool.map(_examined, files, chunksize=16)


def _examined(file: _File) -> tuple[str | None, Examined]:
    """The text of a file, where it can be read, and what was found in it."""
    shown = str(file.path)
    try:
        text = read_file(file.path)
    except RunbookRefused as refused:
        return None, Examined(shown, None, None, refused.findings)
    found = examine(text, shown)
    if found.runbook is None or found.document is None:
        return text, found
    named = tuple(_misnamed(file, found.runbook.runbook, found.document))
    return text, replace(found, document=None, findings=(*found.findings, *named))


def _misnamed(file: _File, name: str, document: Document) -> Iterator[Finding]:
    """A runbook is called by its path below the folder of runbooks; of a lone file one sees only how that path ends."""
    parts = file.path.absolute().with_suffix("").parts
    least = len(file.within.parts)
    length = least if file.strict else max(least, name.count("/") + 1)
    expected = "/".join(parts[-length:])
    if name != expected:
        says = f"the name is {name!r}, but the file's place says {expected!r}"
        yield document.finding(Problem(("runbook",), says, "name-mismatch"))
