"""Loads valid runbooks from text, files and folders; an invalid one is a RunbookRefused with its findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bot
from bot.config import Config
from bot.errors import RunbookError
from bot.runbook.language.findings import Finding, RunbookRefused
from bot.runbook.language.runbook_files import files_of, read_file
from bot.runbook.language.schema import Runbook
from bot.runbook.library.origin import Source
from bot.runbook.linting.lint_text import lint_text
from bot.spelling import close_matches, or_list


@dataclass(frozen=True, slots=True)
class Library:
    """The runbooks in force, in the order of their names."""

    runbooks: tuple[Runbook, ...]
    sources: tuple[Source, ...] = ()
    """The folders that they were loaded from."""

    def find(self, name: str) -> Runbook:
        """Returns a runbook by name; raises RunbookError, which suggests the closest name."""
        for runbook in self.runbooks:
            if runbook.runbook == name:
                return runbook
        near = close_matches(name, (runbook.runbook for runbook in self.runbooks))
        suggestion = f"; did you mean {or_list(near)}?" if near else "."
        raise RunbookError(
            f"Unknown runbook {name!r}{suggestion} `firstmate runbooks`, or `/runbook list` in Slack, lists all "
            f"{len(self.runbooks)}."
        )


def folders_of(config: Config | None) -> tuple[Path, ...]:
    """Returns the runbook folders of a configuration; a runbook of a later folder replaces its namesake."""
    if config is None:
        return (shipped_folder(),)
    return (*((shipped_folder(),) if config.shipped_runbooks else ()), *config.runbooks)


def shipped_folder() -> Path:
    """Returns the folder of the runbooks that are part of Firstmate; it is next to the package."""
    return Path(bot.__file__).resolve().parent.parent / "runbooks"


def parse(text: str, file: str, *, name: str | None = None) -> Runbook:
    """Parses a runbook; `file` is the name in the messages, `name` is the name that the runbook must have.

    Raises RunbookRefused with all errors; warnings are ignored.
    """
    linted = lint_text(text, file, name=name, warnings=False)
    if linted.runbook is None or linted.errors:
        raise RunbookRefused(linted.errors)
    return linted.runbook


def load_file(path: Path, folder: Path | None = None) -> Runbook:
    """Loads one file; with `folder`, the runbook must be named after its path below it. Raises RunbookRefused."""
    name = path.relative_to(folder).with_suffix("").as_posix() if folder is not None else None
    return parse(read_file(path), str(path), name=name)


def load_folders(folders: Iterable[Path]) -> Library:
    """Loads all runbooks (*.yml, *.yaml) of the folders; a runbook of a later folder replaces its namesake.

    Raises RunbookRefused with the findings of all invalid files.
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
                message = f"Runbook {runbook.runbook!r} is also defined in {here[runbook.runbook]}"
                findings.append(Finding(str(path), 1, 1, "same-name", message))
            here[runbook.runbook] = path
            found[runbook.runbook] = runbook
    if findings:
        raise RunbookRefused(findings)
    return Library(tuple(found[name] for name in sorted(found)))
