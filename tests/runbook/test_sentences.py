"""The sentences of the shipped runbooks: the finding first, then the evidence, in the terms of the field."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.runbook.diagnosis.causes import CauseStatus, diagnose
from bot.runbook.language.inputs import resolve
from bot.runbook.language.schema import Cause, Runbook
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.testing.run_tests import DEFAULT_TARGET, evidence_of

RUNBOOKS = load_folders([shipped_folder()]).runbooks
CAUSES = [pytest.param(book, cause, id=f"{book.runbook}:{cause.id}") for book in RUNBOOKS for cause in book.causes]
BOOKS = [pytest.param(book, id=book.runbook) for book in RUNBOOKS]
MOST_BEFORE_EVIDENCE = 220
"""Characters of literal text before the first value that was read from a server."""
MOST_WITHOUT_EVIDENCE = 320
"""Characters of a sentence that shows no value of a server at all."""

FORBIDDEN = [
    r"\bmend(s|ed|ing)?\b",
    r"\bgo(es)? on from here\b",
    r"\bdoes not tell\b|\btells? (of|who|what|why|whether|with)\b|\bnot told\b",
    r"\bkeeps no account\b",
    r"\bas it should\b",
    r"\b(takes?|make|much) (the )?room\b",
    r"\b[Ww]hoever\b|\b[Ss]omebody\b|\b[Nn]obody\b|\b[Ee]verybody\b",
    r"\banew\b",
    r"\bgives? .* air\b",
    r"\bat work\b",
    r"\bis not to be\b|\bare not to be\b",
    r"\bof which\b",
    r"\bFrom (how|which)\b",
    r"\b(holds?|held) back\b",
    r"\bfalls? behind\b",
    r"\bstands? (still|without)\b",
    r"\bstay dead\b|\blives\b",
    r"\b[Ii]t has passed\b",
    r"\bLook (at|there|for|whether|why)\b",
    r"\b(mysql|vitess|proxysql)\.[a-z]+_[a-z_]+",  # an action, which nobody can run by itself
    r"\bin vain\b",
    r"\bVTOrc must\b",
    r"\bthe mysqld\b|\bone mysqld\b",
    r"\bMonitor of\b",
    r"\bdata (differ|diverge|have|are)\b",
    r"\bbehaviour\b",
]
"""Phrasings that these runbooks once had, and that a reader stumbles over."""


def literals(template: str) -> Iterator[tuple[str, str]]:
    """The parts of a template in order: literal text, and the expression that follows it ('' at the end)."""
    parts = re.split(r"\{\{(.*?)\}\}", template)
    for at in range(0, len(parts), 2):
        yield parts[at], parts[at + 1] if at + 1 < len(parts) else ""


def before_evidence(runbook: Runbook, template: str) -> tuple[int, bool]:
    """The length of the literal text before the first value of a step, and whether there is such a value."""
    length = 0
    for text, expression in literals(template):
        length += len(text)
        if set(re.findall(r"\w+", expression)) & runbook.gather.keys():
            return length, True
    return length, False


def prose(runbook: Runbook) -> Iterator[str]:
    """All that a person reads of a runbook, without the expressions in it."""
    yield runbook.title
    yield runbook.notes or ""
    yield from (each.title for each in runbook.links)
    yield from (each.says or "" for each in runbook.inputs.values())
    yield from (each.title or "" for each in runbook.remedies.values())
    yield from (test.name or "" for test in runbook.tests)
    for template in (*runbook.shows, *runbook.shows.values(), *(cause.says for cause in runbook.causes)):
        for text, expression in literals(template):
            yield text
            yield from re.findall(r'"([^"]*)"', expression)


def rendered(runbook: Runbook) -> set[tuple[str, str]]:
    """Every cause's id and sentence as the evidence of the runbook's own tests renders it."""
    found = set()
    for test in runbook.tests:
        target = {**DEFAULT_TARGET, **{str(name): value for name, value in test.target.items()}}
        diagnosis = diagnose(runbook, evidence_of(runbook, test), resolve(runbook, {}, test.inputs), target)
        found |= {(each.id, each.says) for each in diagnosis.causes if each.verdict is CauseStatus.HOLDS}
    return found


@pytest.mark.parametrize(("runbook", "cause"), CAUSES)
def test_the_finding_comes_before_the_evidence_and_is_short(runbook: Runbook, cause: Cause):
    length, has_evidence = before_evidence(runbook, cause.says)
    assert length <= (MOST_BEFORE_EVIDENCE if has_evidence else MOST_WITHOUT_EVIDENCE)


@pytest.mark.parametrize(("runbook", "cause"), CAUSES)
def test_a_sentence_begins_with_a_capital_or_a_value(runbook: Runbook, cause: Cause):
    assert re.match(r"[A-Z]|\{\{", cause.says)


@pytest.mark.parametrize("runbook", BOOKS)
def test_a_rendered_sentence_ends_with_a_full_stop_and_has_single_spaces(runbook: Runbook):
    wrong = [(name, says) for name, says in rendered(runbook) if not says.endswith(".") or "  " in says or " ." in says]
    assert wrong == []


@pytest.mark.parametrize("runbook", BOOKS)
def test_the_tests_render_every_cause(runbook: Runbook):
    assert {name for name, _ in rendered(runbook)} == {cause.id for cause in runbook.causes}


@pytest.mark.parametrize("runbook", BOOKS)
def test_no_text_uses_a_forbidden_phrasing(runbook: Runbook):
    found = [(found[0], text) for text in prose(runbook) for rule in FORBIDDEN if (found := re.search(rule, text))]
    assert found == []


@pytest.mark.parametrize("runbook", BOOKS)
def test_a_percentage_has_a_space_before_its_sign(runbook: Runbook):
    templates = [*runbook.shows.values(), *(cause.says for cause in runbook.causes)]
    assert [text for text in templates if re.search(r"\}\}%|~ \"%|\d%", text)] == []
