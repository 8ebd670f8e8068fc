"""unreachable-cause: a cause can never lead: it contradicts itself, or an earlier cause is true whenever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import nodes

from bot.runbook.expressions.canonical_text import canonical_text
from bot.runbook.expressions.implication import Condition, condition
from bot.runbook.expressions.names import names_of_condition, runbook_scope
from bot.runbook.expressions.syntax import ExpressionError, syntax_tree
from bot.runbook.expressions.type_check import TypeChecker
from bot.runbook.language.findings import Problem
from bot.runbook.linting.analysis import Analysis
from bot.runbook.linting.rule import Rule, Severity

ID = "unreachable-cause"


@dataclass(frozen=True, slots=True)
class _Cause:
    id: str
    condition: Condition
    text: str
    """The condition as canonical text."""
    names: frozenset[str]
    """The names that the condition reads."""


def check(analysis: Analysis) -> Iterator[Problem]:
    """Compares every condition with those of the earlier causes, as far as `expressions.implication` can decide.

    An earlier cause that reads other evidence does not count: it may be undecided while this one is true. Neither does
    one behind which a test expects this cause as a secondary cause.
    """
    checker = TypeChecker(runbook_scope(analysis.runbook))

    def literals(node: nodes.Node) -> frozenset[str] | None:
        found = checker.type_of(node)
        return None if found.nullable else found.literals

    secondary = {
        cause for test in analysis.runbook.tests for cause in test.expect.causes or () if cause != test.expect.cause
    }
    earlier: list[_Cause] = []
    for number, cause in enumerate(analysis.runbook.causes):
        try:
            tree = syntax_tree(cause.when)
        except ExpressionError:
            continue  # expression-syntax reports it
        found = _Cause(cause.id, condition(tree, literals), canonical_text(tree), names_of_condition(cause.when))
        message, suggestion = _unreachable(found, () if cause.id in secondary else earlier)
        if message:
            yield Problem(("causes", number, "when"), message, ID, suggestion)
        earlier.append(found)


def _unreachable(cause: _Cause, earlier: Sequence[_Cause]) -> tuple[str, str]:
    """Returns the message and the suggestion; two empty texts if the cause can lead."""
    if cause.condition.contradicts_itself:
        return f"Cause {cause.id!r} can never be true: its conditions contradict each other", ""
    for other in earlier:
        if cause.text == other.text:
            return f"Cause {cause.id!r} can never lead: the earlier cause {other.id!r} has the same condition", ""
        if other.names <= cause.names and cause.condition.implies(other.condition):
            message = f"Cause {cause.id!r} can never lead: the earlier cause {other.id!r} is true whenever this one is"
            return message, f"move it before {other.id!r}"
    return "", ""


RULE = Rule(
    id=ID,
    severity=Severity.WARNING,
    description="A cause can never lead: it contradicts itself, or an earlier cause is true whenever it is.",
    passing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: very_late
    when: replica.delay > 600
    says: The replica is very late.
  - id: late
    when: replica.delay > 60
    says: The replica is late.
tests:
  - given: {replica: {delay: 1h}}
    expect: {cause: very_late}
  - given: {replica: {delay: 2m}}
    expect: {cause: late}
""",
    failing="""\
gather:
  replica: mysql.replica_status
causes:
  - id: late
    when: replica.delay > 60
    says: The replica is late.
  - id: very_late
    when: replica.delay > 600
    says: The replica is very late.
tests:
  - given: {replica: {delay: 1h}}
    expect: {cause: very_late}
  - given: {replica: {delay: 2m}}
    expect: {cause: late}
""",
    check=check,
)
