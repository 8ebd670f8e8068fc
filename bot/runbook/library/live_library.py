"""The runbooks in force while the bot runs: what changes on disk is examined, and taken over only when it is good.

A run under way keeps the text that it began with, so that nothing here touches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bot.errors import RunbookError
from bot.runbook.language.findings import Finding, RunbookRefused, Severity
from bot.runbook.library.load import Library, files_of, read_file
from bot.runbook.library.origin import Source, version_of
from bot.runbook.linting.cross_checks import check_together, same_names
from bot.runbook.linting.examine import Examined, examine

Stamp: TypeAlias = tuple[int, int, int]
"""When a file was changed last (ns), its size and its inode: another one means another content."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a look at the folders found new."""

    changed: tuple[str, ...]
    """Names of the runbooks that are new or other ones now."""
    removed: tuple[str, ...]
    broken: tuple[Finding, ...]
    """What is wrong with the files whose last good version stays in force; all of them, also from earlier looks."""


@dataclass(slots=True)
class _File:
    """One file as it was seen last."""

    stamp: Stamp
    good: Examined | None
    findings: tuple[Finding, ...]


@dataclass
class LiveLibrary:
    """Holds the library in force. `look` may be called by one thread, `library` read by all."""

    folders: tuple[Path, ...]
    """Later ones go over earlier ones: a runbook replaces its namesake."""
    shipped: Path
    library: Library = field(init=False)
    broken: tuple[Finding, ...] = ()
    _files: dict[Path, _File] = field(default_factory=dict)
    _gone: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        """Reads everything for the first time; `broken` tells of the files that cannot be used."""
        self.library = Library(())
        self.look()

    def whole(self) -> LiveLibrary:
        """Returns itself; raises RunbookRefused when any file is broken."""
        if self.broken:
            raise RunbookRefused(self.broken)
        return self

    def look(self) -> Reload | None:
        """Takes over what is new and good; returns None when nothing was changed since the last look."""
        seen, gone = self._seen()
        changed = [path for path, stamp in seen.items() if path not in self._files or self._files[path].stamp != stamp]
        removed = [path for path in self._files if path not in seen]
        if not changed and not removed and gone == self._gone:
            return None
        before, self._gone = dict(self._files), gone
        for path in removed:
            del self._files[path]
        for path in changed:
            self._files[path] = self._examined(path, seen[path])
        clashes = [each for each in self._together() if each.severity is Severity.ERROR]
        for path in changed if clashes else ():
            old, new = before.get(path), self._files[path]
            self._files[path] = _File(new.stamp, old.good if old else None, new.findings or tuple(clashes))
        found = [finding for each in self._files.values() for finding in each.findings]
        self.broken = tuple(sorted({*found, *gone}))
        return self._swapped()

    def _seen(self) -> tuple[dict[Path, Stamp], tuple[Finding, ...]]:
        """Every file with its stamp; and the folders that are not there, whose runbooks stay in force meanwhile."""
        seen: dict[Path, Stamp] = {}
        gone: list[Finding] = []
        for folder in self.folders:
            try:
                for path in files_of(folder):
                    status = path.stat()
                    seen[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
            except (RunbookError, OSError) as error:
                gone.append(Finding(str(folder), 1, 1, "unreadable-file", f"the folder cannot be read: {error}"))
                for path, known in self._files.items():
                    if path.is_relative_to(folder):
                        seen[path] = known.stamp
        return seen, tuple(gone)

    def _examined(self, path: Path, stamp: Stamp) -> _File:
        """Examines a file that is new or another one; where it is broken the last good one stays."""
        known = self._files.get(path)
        folder = next(each for each in reversed(self.folders) if path.is_relative_to(each))
        try:
            found = examine(read_file(path), str(path), name=path.relative_to(folder).with_suffix("").as_posix())
        except RunbookRefused as refused:
            return _File(stamp, known.good if known else None, refused.findings)
        if found.errors or found.runbook is None:
            return _File(stamp, known.good if known else None, found.errors)
        return _File(stamp, found, ())

    def _together(self) -> Iterator[Finding]:
        told = [pair for folder in self.folders for pair in same_names(list(self._good(folder)))]
        for examined, problem in (*told, *check_together(list(self._layered().values()))):
            if examined.document is not None:
                yield examined.document.finding(problem)

    def _good(self, folder: Path) -> Iterable[Examined]:
        for path, known in sorted(self._files.items()):
            if known.good is not None and path.is_relative_to(folder):
                yield known.good

    def _layered(self) -> dict[str, Examined]:
        """The runbooks by name, those of later folders over those of earlier ones."""
        return {
            each.runbook.runbook: each
            for folder in self.folders
            for each in self._good(folder)
            if each.runbook is not None
        }

    def _swapped(self) -> Reload:
        old = {runbook.runbook: runbook.digest for runbook in self.library.runbooks}
        runbooks = [each.runbook for _, each in sorted(self._layered().items()) if each.runbook is not None]
        new = {runbook.runbook: runbook.digest for runbook in runbooks}
        self.library = Library(tuple(runbooks), tuple(self._sources()))
        return Reload(
            tuple(name for name, digest in new.items() if old.get(name) != digest),
            tuple(name for name in old if name not in new),
            self.broken,
        )

    def _sources(self) -> Iterator[Source]:
        for folder in self.folders:
            count = sum(1 for _ in self._good(folder))
            yield Source(folder, count, version_of(folder, shipped=folder == self.shipped))


def summary(broken: Sequence[Finding], limit: int = 5) -> str:
    """The first findings, a line each, for people."""
    lines = [str(each) for each in broken[:limit]]
    return "\n".join(lines + ([f"and {len(broken) - limit} more"] if len(broken) > limit else []))
