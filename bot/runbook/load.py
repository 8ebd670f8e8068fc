"""Reads runbooks from text, files and folders; what does not hold is a RunbookError with file:line.

The only module of this package that touches files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

import bot
from bot.errors import RunbookError
from bot.runbook import schema
from bot.runbook.checks import check
from bot.runbook.document import MAX_BYTES, Document, decode, read
from bot.runbook.schema import Runbook
from bot.runbook.signatures import near

MAX_PROBLEMS = 20
"""Problems of one file that are told at once."""
MAX_FILES = 2000


@dataclass(frozen=True, slots=True)
class Library:
    """The runbooks in force, in the order of their names."""

    runbooks: tuple[Runbook, ...]

    def find(self, name: str) -> Runbook:
        """Returns a runbook by name; raises RunbookError with the nearest name."""
        for runbook in self.runbooks:
            if runbook.runbook == name:
                return runbook
        names = [runbook.runbook for runbook in self.runbooks]
        raise RunbookError(f"There is no runbook {name!r}{near(name, names)} There are: {', '.join(names) or 'none'}.")


def shipped_folder() -> Path:
    """The folder of the runbooks that come with Firstmate; it lies beside the package."""
    return Path(bot.__file__).resolve().parent.parent / "runbooks"


def parse(text: str, file: str, *, name: str | None = None) -> Runbook:
    """Reads a runbook from text; `file` stands in the messages, `name` is what the runbook must be called.

    Raises RunbookError with one line per problem, each with file:line.
    """
    document = read(text, file)
    if not isinstance(document.value, dict):
        raise document.error((), "a runbook is a mapping of keys: runbook, title, owner, match, gather, causes.")
    try:
        runbook = Runbook.model_validate(document.value).read_from(text)
    except ValidationError as error:
        raise _told(document, _translated(document, error.errors())) from error
    problems = [(problem.path, problem.says) for problem in check(runbook)]
    if name is not None and runbook.runbook != name:
        problems.insert(0, (("runbook",), f"the name is {runbook.runbook!r}, but the file's place says {name!r}"))
    if problems:
        raise _told(document, problems)
    return runbook


def load_file(path: Path, folder: Path | None = None) -> Runbook:
    """Reads one file; its name is its path below `folder`, where that is given. Raises RunbookError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RunbookError(f"{path}:1: the runbook cannot be read ({error.strerror}).") from error
    name = path.relative_to(folder).with_suffix("").as_posix() if folder is not None else None
    return parse(decode(raw, str(path)), str(path), name=name)


def load_folders(folders: Iterable[Path]) -> Library:
    """Reads all runbooks (*.yml, *.yaml) of the folders; one of a later folder replaces its namesake of an earlier.

    Raises RunbookError that tells of every file that cannot be used.
    """
    found: dict[str, Runbook] = {}
    problems: list[str] = []
    for folder in folders:
        here: dict[str, Path] = {}
        for path in _files(folder):
            try:
                runbook = load_file(path, folder)
            except RunbookError as error:
                problems.append(str(error))
                continue
            if runbook.runbook in here:
                problems.append(f"{path}:1: {here[runbook.runbook]} holds the runbook {runbook.runbook!r} too.")
            here[runbook.runbook] = path
            found[runbook.runbook] = runbook
    if problems:
        raise RunbookError("\n".join(problems[:MAX_PROBLEMS]))
    return Library(tuple(found[name] for name in sorted(found)))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise RunbookError(f"{folder}: there is no such folder of runbooks; correct `runbooks` in the configuration.")
    files = sorted(path for path in folder.rglob("*.y*ml") if path.suffix in (".yml", ".yaml") and path.is_file())
    if len(files) > MAX_FILES:
        raise RunbookError(f"{folder}: {len(files):,} files are more than the {MAX_FILES:,} that are read.")
    return files


def _told(document: Document, problems: Iterable[tuple[tuple[str | int, ...], str]]) -> RunbookError:
    """All problems, in the order of their lines."""
    lines = sorted({(document.line(path), says) for path, says in problems})
    told = [f"{document.file}:{line}: {says if says.endswith('.') else says + '.'}" for line, says in lines]
    if len(told) > MAX_PROBLEMS:
        told = [*told[:MAX_PROBLEMS], f"{document.file}: and {len(told) - MAX_PROBLEMS} more."]
    return RunbookError("\n".join(told))


_KEYS: dict[str, type[schema.Part]] = {
    "inputs": schema.Input,
    "gather": schema.GatherStep,
    "causes": schema.Cause,
    "remedies": schema.Remedy,
    "tests": schema.Test,
    "expect": schema.Expect,
    "links": schema.Link,
}
"""The key of a container -> the model of what it holds."""


def _translated(document: Document, errors: list[ErrorDetails]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """pydantic's findings in the words of a runbook."""
    for error in errors:
        loc = tuple(part for part in error["loc"] if part != "[key]")
        key = loc[-1] if loc else ""
        match error["type"]:
            case "extra_forbidden":
                yield loc, f"there is no key {key!r} here{near(str(key), _keys_at(loc[:-1]))}"
            case "missing":
                yield loc[:-1], f"the key {key!r} is missing"
            case "value_error":
                yield loc, f"{_path(loc)}: {error['ctx']['error']}"
            case "string_pattern_mismatch" if loc and document.value and "[key]" in error["loc"]:
                yield loc, f"{key!r} is not a name; a name has a to z, 0 to 9 and _, and begins with a letter"
            case _:
                yield loc, f"{_path(loc)}: {error['msg']}{_got(error['input'])}"


def _keys_at(loc: tuple[str | int, ...]) -> list[str]:
    model: type[schema.Part] = Runbook
    for part in loc:
        model = _KEYS.get(str(part), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _path(loc: tuple[str | int, ...]) -> str:
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in loc) or "the runbook"


def _got(value: Any) -> str:  # noqa: ANN401 - as the file has it
    return "" if isinstance(value, dict | list | UnionType) else f", not {str(value)[:60]!r}"
