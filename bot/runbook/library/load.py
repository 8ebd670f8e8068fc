"""Reads runbooks from text, files and folders; what does not hold is a RunbookError with file:line.

The only module of this package that touches files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bot
from bot.config import Config
from bot.errors import RunbookError
from bot.runbook.language.document import MAX_BYTES, decode, refusal
from bot.runbook.language.findings import Finding, RunbookRefused
from bot.runbook.language.schema import Runbook
from bot.runbook.language.signatures import near
from bot.runbook.library.origin import Source
from bot.runbook.linting.examine import examine

MAX_FILES = 2000


@dataclass(frozen=True, slots=True)
class Library:
    """The runbooks in force, in the order of their names."""

    runbooks: tuple[Runbook, ...]
    sources: tuple[Source, ...] = ()
    """The folders that they come from."""

    def find(self, name: str) -> Runbook:
        """Returns a runbook by name; raises RunbookError with the nearest name."""
        for runbook in self.runbooks:
            if runbook.runbook == name:
                return runbook
        names = [runbook.runbook for runbook in self.runbooks]
        raise RunbookError(f"There is no runbook {name!r}{near(name, names)} There are: {', '.join(names) or 'none'}.")


def folders_of(config: Config | None) -> tuple[Path, ...]:
    """The folders of a configuration, or the shipped one alone; later ones go over earlier ones."""
    if config is None:
        return (shipped_folder(),)
    return (*((shipped_folder(),) if config.shipped_runbooks else ()), *config.runbooks)


def shipped_folder() -> Path:
    """The folder of the runbooks that come with Firstmate; it lies beside the package."""
    return Path(bot.__file__).resolve().parent.parent / "runbooks"


def parse(text: str, file: str, *, name: str | None = None) -> Runbook:
    """Reads a runbook from text; `file` stands in the messages, `name` is what the runbook must be called.

    Raises RunbookRefused with every finding that is an error; warnings stop nothing.
    """
    examined = examine(text, file, name=name, advice=False)
    if examined.runbook is None or examined.errors:
        raise RunbookRefused(examined.errors)
    return examined.runbook


def read_file(path: Path) -> str:
    """The text of a runbook file; raises RunbookRefused for one that cannot be read, is too large or is not UTF-8."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        says = f"the runbook cannot be read ({error.strerror})"
        raise refusal(str(path), 1, 1, "unreadable-file", says) from error
    return decode(raw, str(path))


def load_file(path: Path, folder: Path | None = None) -> Runbook:
    """Reads one file; its name is its path below `folder`, where that is given. Raises RunbookRefused."""
    name = path.relative_to(folder).with_suffix("").as_posix() if folder is not None else None
    return parse(read_file(path), str(path), name=name)


def load_folders(folders: Iterable[Path]) -> Library:
    """Reads all runbooks (*.yml, *.yaml) of the folders; one of a later folder replaces its namesake of an earlier.

    Raises RunbookRefused that tells of every file that cannot be used.
    """
    found: dict[str, Runbook] = {}
    findings: list[Finding] = []
    for folder in folders:
        here: dict[str, Path] = {}
        for path in files_of(folder):
            try:
                runbook = load_file(path, folder)
            except RunbookRefused as refused:
                findings.extend(refused.findings)
                continue
            if runbook.runbook in here:
                says = f"{here[runbook.runbook]} holds the runbook {runbook.runbook!r} too"
                findings.append(Finding(str(path), 1, 1, "same-name", says))
            here[runbook.runbook] = path
            found[runbook.runbook] = runbook
    if findings:
        raise RunbookRefused(findings)
    return Library(tuple(found[name] for name in sorted(found)))


def files_of(folder: Path) -> list[Path]:
    """The runbook files of a folder and those below it, in order; raises RunbookError."""
    if not folder.is_dir():
        raise RunbookError(f"{folder}: there is no such folder of runbooks; correct `runbooks` in the configuration.")
    files = sorted(path for path in folder.rglob("*.y*ml") if path.suffix in (".yml", ".yaml") and path.is_file())
    if len(files) > MAX_FILES:
        raise RunbookError(f"{folder}: {len(files):,} files are more than the {MAX_FILES:,} that are read.")
    return files
