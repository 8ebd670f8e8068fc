"""Type-checks the expressions, templates and parameter values of a runbook. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.runbook.expressions.syntax import ExpressionError, sole_expression_at, syntax_tree
from bot.runbook.expressions.type_check import TypeChecker, TypeProblem
from bot.runbook.expressions.value_types import ANY, TEXT, ValueType
from bot.runbook.language.findings import Path, Problem


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression can read at its place in the runbook."""

    names: Mapping[str, Any]
    non_null: frozenset[str] = field(default=frozenset())
    """The expressions, as `bot.runbook.expressions.canonical_text` writes them, that are not NULL there."""


def check_condition(path: Path, source: str, scope: Scope) -> Iterator[Problem]:
    """Yields the problems of an expression that is used as a condition."""
    checker = TypeChecker(scope.names)
    try:
        checker.check_condition(syntax_tree(source), scope.non_null)
    except ExpressionError as error:
        yield _syntax_problem(path, error)
    yield from _located(path, checker.problems)


def check_template(path: Path, source: str, scope: Scope) -> Iterator[Problem]:
    """Yields the problems of the expressions of a template."""
    checker = TypeChecker(scope.names)
    try:
        checker.check_template(syntax_tree(source, template=True), scope.non_null)
    except ExpressionError as error:
        yield _syntax_problem(path, error)
    yield from _located(path, checker.problems)


def type_at(path: Path, source: str, scope: Scope, offset: int = 0) -> tuple[ValueType, list[Problem]]:
    """Returns the type of an expression and its problems; `offset` is where it begins in the text at `path`."""
    checker = TypeChecker(scope.names)
    try:
        found = checker.type_of(syntax_tree(source), scope.non_null)
    except ExpressionError as error:
        return ANY, [_syntax_problem(path, error, offset)]
    return found, list(_located(path, checker.problems, offset))


def check_value(path: Path, value: object, scope: Scope) -> tuple[ValueType | None, list[Problem]]:
    """Returns the type of a value of `with`, None if it contains no expression, and the problems of its expressions."""
    if isinstance(value, str) and "{{" in value:
        sole = sole_expression_at(value)
        if sole is None:
            return TEXT, list(check_template(path, value, scope))
        source, offset = sole
        return type_at(path, source, scope, offset)
    items: list[tuple[str | int, object]] = []
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
    results = [check_value((*path, key), each, scope) for key, each in items]
    is_dynamic = any(value_type is not None for value_type, _ in results)
    return ANY if is_dynamic else None, [problem for _, problems in results for problem in problems]


def _syntax_problem(path: Path, error: ExpressionError, offset: int = 0) -> Problem:
    at = None if error.offset is None else error.offset + offset
    return Problem(path, error.message, error.rule, error.suggestion, at)


def _located(path: Path, problems: list[TypeProblem], offset: int = 0) -> Iterator[Problem]:
    for each in problems:
        yield Problem(path, each.message, each.rule, each.suggestion, each.offset + offset)
