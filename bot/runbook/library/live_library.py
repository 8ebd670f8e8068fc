"""The runbooks in force while the bot runs: changed files are linted and put into force only if they are valid.

A run keeps the text of the runbook that it began with, so a reload does not affect it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bot.errors import RunbookError
from bot.runbook.language.findings import Finding, RunbookRefused
from bot.runbook.language.runbook_files import files_of, read_file
from bot.runbook.library.load_runbooks import Library
from bot.runbook.library.origin import Source, version_of
from bot.runbook.linting.cross_checks import check_folder, check_library
from bot.runbook.linting.lint_text import LintedFile, lint_text
from bot.runbook.linting.rule import RunbookFile, Severity
from bot.runbook.linting.rules import severity_of

Stamp: TypeAlias = tuple[int, int, int]
"""Modification time (ns), size and inode of a file; a different stamp means different content."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a refresh changed."""

    changed: tuple[str, ...]
    """The names of new and changed runbooks."""
    removed: tuple[str, ...]
    broken: tuple[Finding, ...]
    """The findings of all invalid files, also of earlier refreshes; their last valid versions stay in force."""


@dataclass(slots=True)
class _File:
    """One file as of the last refresh."""

    stamp: Stamp
    valid: LintedFile | None
    """Its last valid version."""
    findings: tuple[Finding, ...]


@dataclass
class LiveLibrary:
    """Holds the library in force. One thread may call `refresh`; every thread may read `library`."""

    folders: tuple[Path, ...]
    """A runbook of a later folder replaces its namesake of an earlier one."""
    shipped: Path
    library: Library = field(init=False)
    broken: tuple[Finding, ...] = ()
    _files: dict[Path, _File] = field(default_factory=dict)
    _unreadable: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        """Reads all files; `broken` has the findings of the invalid ones."""
        self.library = Library(())
        self.refresh()

    def require_valid(self) -> LiveLibrary:
        """Returns itself; raises RunbookRefused if any file is invalid."""
        if self.broken:
            raise RunbookRefused(self.broken)
        return self

    def refresh(self) -> Reload | None:
        """Puts new valid versions into force; returns None if no file has changed since the last refresh."""
        stamps, unreadable = self._stamps()
        changed = [
            path for path, stamp in stamps.items() if path not in self._files or self._files[path].stamp != stamp
        ]
        removed = [path for path in self._files if path not in stamps]
        if not changed and not removed and unreadable == self._unreadable:
            return None
        before, self._unreadable = dict(self._files), unreadable
        for path in removed:
            del self._files[path]
        for path in changed:
            self._files[path] = self._linted(path, stamps[path])
        conflicts = tuple(each for each in self._cross_check() if severity_of(each) is Severity.ERROR)
        for path in changed if conflicts else ():
            old, new = before.get(path), self._files[path]
            self._files[path] = _File(new.stamp, old.valid if old else None, new.findings or conflicts)
        findings = [finding for each in self._files.values() for finding in each.findings]
        self.broken = tuple(sorted({*findings, *unreadable}))
        return self._replace_library()

    def _stamps(self) -> tuple[dict[Path, Stamp], tuple[Finding, ...]]:
        """Returns the stamp of every file, and findings for unreadable folders, whose runbooks stay in force."""
        stamps: dict[Path, Stamp] = {}
        unreadable: list[Finding] = []
        for folder in self.folders:
            try:
                for path in files_of(folder):
                    status = path.stat()
                    stamps[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
            except (RunbookError, OSError) as error:
                unreadable.append(Finding(str(folder), 1, 1, "unreadable-file", f"Cannot read the folder: {error}"))
                for path, known in self._files.items():
                    if path.is_relative_to(folder):
                        stamps[path] = known.stamp
        return stamps, tuple(unreadable)

    def _linted(self, path: Path, stamp: Stamp) -> _File:
        """Lints a new or changed file; if it is invalid, keeps its last valid version."""
        known = self._files.get(path)
        last_valid = known.valid if known else None
        folder = next(each for each in reversed(self.folders) if path.is_relative_to(each))
        try:
            linted = lint_text(read_file(path), str(path), name=path.relative_to(folder).with_suffix("").as_posix())
        except RunbookRefused as refused:
            return _File(stamp, last_valid, refused.findings)
        if linted.errors or linted.runbook is None:
            return _File(stamp, last_valid, linted.errors)
        return _File(stamp, linted, ())

    def _cross_check(self) -> Iterator[Finding]:
        documents = {each.file: each.document for folder in self.folders for each in self._valid(folder)}
        in_folders = [pair for folder in self.folders for pair in check_folder(_runbook_files(self._valid(folder)))]
        for file, problem in (*in_folders, *check_library(_runbook_files(self._in_force().values()))):
            document = documents[file.file]
            if document is not None:
                yield document.finding(problem)

    def _valid(self, folder: Path) -> Iterable[LintedFile]:
        for path, known in sorted(self._files.items()):
            if known.valid is not None and path.is_relative_to(folder):
                yield known.valid

    def _in_force(self) -> dict[str, LintedFile]:
        """Returns the valid runbooks by name; those of later folders replace those of earlier ones."""
        return {
            each.runbook.runbook: each
            for folder in self.folders
            for each in self._valid(folder)
            if each.runbook is not None
        }

    def _replace_library(self) -> Reload:
        old = {runbook.runbook: runbook.digest for runbook in self.library.runbooks}
        runbooks = [each.runbook for _, each in sorted(self._in_force().items()) if each.runbook is not None]
        new = {runbook.runbook: runbook.digest for runbook in runbooks}
        self.library = Library(tuple(runbooks), tuple(self._sources()))
        return Reload(
            tuple(name for name, digest in new.items() if old.get(name) != digest),
            tuple(name for name in old if name not in new),
            self.broken,
        )

    def _sources(self) -> Iterator[Source]:
        for folder in self.folders:
            count = sum(1 for _ in self._valid(folder))
            yield Source(folder, count, version_of(folder, shipped=folder == self.shipped))


def _runbook_files(linted: Iterable[LintedFile]) -> list[RunbookFile]:
    return [each.runbook_file for each in linted if each.runbook_file is not None]


def summary(broken: Sequence[Finding], limit: int = 5) -> str:
    """Returns the first findings, one per line, and the number of the others."""
    lines = [str(each) for each in broken[:limit]]
    return "\n".join(lines + ([f"and {len(broken) - limit} more findings"] if len(broken) > limit else []))
