"""Checks of the order of the causes: one that can never lead is there for nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from bot.runbook.expressions.canonical_text import written
from bot.runbook.expressions.implication import Condition, condition
from bot.runbook.expressions.names import names_of_condition, scope_of
from bot.runbook.expressions.syntax import ExpressionError, tree_of
from bot.runbook.expressions.type_check import Typed
from bot.runbook.language.findings import Problem
from bot.runbook.language.schema import Cause, Runbook


@dataclass(frozen=True, slots=True)
class _Judged:
    cause: Cause
    condition: Condition
    text: str
    names: frozenset[str]
    """What its condition reads."""


def check_reach(runbook: Runbook) -> Iterator[Problem]:
    """Finds causes that contradict themselves, and those that an earlier one always goes before.

    Decided is what `bot.runbook.expressions.implication` can decide: constants, closed sets of words, bounds, `and`,
    `or` and `not`.
    An earlier cause that reads other evidence may be undecided while this one holds, so it takes nothing away. A cause
    that a test expects to hold behind another one is meant to stand there, as a second thing to know.
    """
    typed = Typed(scope_of(runbook))

    def words(node: nodes.Node) -> frozenset[str] | None:
        kind = typed.kind(node)
        return None if kind.nullable else kind.words

    meant = {cause for test in runbook.tests for cause in test.expect.causes or () if cause != test.expect.cause}
    before: list[_Judged] = []
    for number, cause in enumerate(runbook.causes):
        try:
            tree = tree_of(cause.when)
        except ExpressionError:
            continue  # told by the check of the causes
        here = _Judged(cause, condition(tree, words), written(tree), names_of_condition(cause.when))
        says, suggestion = _verdict(here, before, cause.id in meant)
        if says:
            yield Problem(("causes", number, "when"), says, "unreachable-cause", suggestion)
        before.append(here)


def _verdict(here: _Judged, before: list[_Judged], meant: bool) -> tuple[str, str]:
    if here.condition.contradicts_itself:
        return f"the cause {here.cause.id!r} can never hold: its conditions contradict each other", ""
    for earlier in () if meant else before:
        other = earlier.cause.id
        if here.text == earlier.text:
            return f"the cause {here.cause.id!r} can never lead: {other!r} before it asks the same", ""
        if earlier.names <= here.names and here.condition.implies(earlier.condition):
            says = f"the cause {here.cause.id!r} can never lead: {other!r} before it holds whenever it does"
            return says, f"put it before {other!r}"
    return "", ""
