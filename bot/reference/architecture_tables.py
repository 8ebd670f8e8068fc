"""The folders of the program and its guards, with the first sentence of each docstring."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import actions
import bot
from bot.guards import ORDER, title
from bot.reference.markdown import table

DIVIDED = ("actions", "bot", "bot/runbook")
"""Folders whose modules and folders are listed one by one; the others are one line each."""


def folder_table() -> str:
    """Returns a row for each folder and module of the folders that are listed one by one."""
    return table(["path", "purpose"], _folder_rows())


def guard_table() -> str:
    """Returns a row for each guard, in the order in which they run."""
    return table(["guard", "title on cards", "rule"], (_guard_row(each.__module__) for each in ORDER))


def _guard_row(module: str) -> tuple[str, str, str]:
    name = module.rpartition(".")[2]
    return f"`{name}`", title(name), _rule(module)


def _rule(module: str) -> str:
    return first_sentence(sys.modules[module].__doc__)


def _folder_rows() -> Iterator[tuple[str, str]]:
    for name in DIVIDED:
        package = bot if name.startswith("bot") else actions
        folder = Path(str(package.__file__)).parents[1] / name
        yield f"**{name}/**", _purpose(folder / "__init__.py")
        for each in sorted(folder.iterdir(), key=lambda path: (path.is_file(), path.name)):
            inside = f"{name}/{each.name}"
            if each.is_dir() and (each / "__init__.py").exists() and inside not in DIVIDED:
                yield f"`{inside}/`", _purpose(each / "__init__.py")
            elif each.suffix == ".py" and each.stem not in ("__init__", "__main__"):
                yield f"`{inside}`", _purpose(each)


def _purpose(file: Path) -> str:
    return first_sentence(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))))


def first_sentence(docstring: str | None) -> str:
    """Returns the first sentence of a docstring on one line; a full stop within a word or a version does not end it."""
    paragraph = " ".join((docstring or "").partition("\n\n")[0].split())
    sentence, stop, _ = paragraph.partition(". ")
    return f"{sentence}." if stop else paragraph
