"""The next steps that refusals and runbooks name: things that a person can do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import actions
from actions.catalog import DIAGNOSTICS, REMEDIATIONS
from bot.runbook.library.load_runbooks import load_folders, shipped_folder

SOURCES = sorted(Path(str(actions.__file__)).parent.rglob("*.py"))
RUNBOOKS = {book.runbook for book in load_folders([shipped_folder()]).runbooks}
CALLS = {"Refused", "Unreadable", "NoUndo", "Verification"}
"""What a person reads is an argument of one of these."""


def sentences(source: Path) -> list[str]:
    """The literal text in the calls that carry a sentence for a person."""
    return [
        part.value
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in CALLS
        for part in ast.walk(call)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_no_refusal_sends_a_person_to_an_action(source: Path):
    names = {*DIAGNOSTICS, *REMEDIATIONS}
    assert [text for text in sentences(source) if names & set(re.findall(r"[a-z]+\.[a-z_]+", text))] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_runbook_that_a_refusal_names_is_shipped(source: Path):
    named = re.findall(r"\b(?:mysql|vitess|proxysql|host)/[a-z]+(?:-[a-z]+)*", " ".join(sentences(source)))
    assert set(named) <= RUNBOOKS
