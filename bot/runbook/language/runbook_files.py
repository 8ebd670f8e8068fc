"""Finds runbook files in folders and reads their text: the only module of this package that touches the disk."""

from __future__ import annotations

from pathlib import Path

from bot.errors import RunbookError
from bot.runbook.language.positioned_document import MAX_BYTES, decode, refusal

MAX_FILES = 2000
"""The most runbook files in one folder."""


def read_file(path: Path) -> str:
    """Returns the text of a runbook file; raises RunbookRefused if it is unreadable, too large or not UTF-8."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise refusal(str(path), 1, 1, "unreadable-file", f"Cannot read the file: {error.strerror}") from error
    return decode(raw, str(path))


def files_of(folder: Path) -> list[Path]:
    """Returns the runbook files (*.yml, *.yaml) of a folder and its subfolders, sorted; raises RunbookError."""
    if not folder.is_dir():
        raise RunbookError(f"Runbook folder {folder} does not exist; correct `runbooks` in the configuration.")
    files = sorted(path for path in folder.rglob("*.y*ml") if path.suffix in (".yml", ".yaml") and path.is_file())
    if len(files) > MAX_FILES:
        raise RunbookError(f"{folder} contains {len(files):,} runbook files; the limit is {MAX_FILES:,}.")
    return files
