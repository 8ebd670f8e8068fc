"""Checks of expressions, templates and parameters, wherever in a runbook they stand. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.runbook.expressions.comparability import Side, compared
from bot.runbook.expressions.syntax import ExpressionError, tree_of, whole_at
from bot.runbook.expressions.type_check import Typed, TypeProblem
from bot.runbook.expressions.value_types import ANY, TEXT, Base, Kind, kind_of
from bot.runbook.language.findings import Path, Problem
from bot.runbook.language.signatures import Signature, coerce, nearest

_PASSES: Mapping[Base, frozenset[Base]] = {
    Base.NUMBER: frozenset({Base.NUMBER, Base.TEXT, Base.BOOLEAN}),  # text that holds a number, such as a variable's
    Base.TEXT: frozenset({Base.TEXT}),
    Base.BOOLEAN: frozenset({Base.BOOLEAN, Base.NUMBER, Base.TEXT}),
    Base.LIST: frozenset({Base.LIST}),
    Base.MAPPING: frozenset({Base.MAPPING, Base.RECORD}),
}
"""Kind of a parameter -> kinds of evidence that can become it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression may read there."""

    names: Mapping[str, Any]
    known: frozenset[str] = field(default=frozenset())
    """Expressions, as `bot.runbook.expressions.canonical_text` has them, that are not empty there."""


def check_condition(path: Path, source: str, scope: Scope) -> Iterator[Problem]:
    """What is wrong with an expression that is asked whether it holds."""
    typed = Typed(scope.names)
    try:
        typed.condition(tree_of(source), scope.known)
    except ExpressionError as error:
        yield of_error(path, error)
    yield from _of(path, typed.faults)


def check_template(path: Path, source: str, scope: Scope) -> Iterator[Problem]:
    """What is wrong with the expressions of a template."""
    typed = Typed(scope.names)
    try:
        typed.template(tree_of(source, template=True), scope.known)
    except ExpressionError as error:
        yield of_error(path, error)
    yield from _of(path, typed.faults)


def kind_at(path: Path, source: str, scope: Scope, at: int = 0) -> tuple[Kind, list[Problem]]:
    """The kind of an expression's value, and what is wrong with it; `at` is where it begins in its text."""
    typed = Typed(scope.names)
    try:
        kind = typed.kind(tree_of(source), scope.known)
    except ExpressionError as error:
        return ANY, [of_error(path, error, at)]
    return kind, list(_of(path, typed.faults, at))


def of_error(path: Path, error: ExpressionError, at: int = 0) -> Problem:
    """An expression that cannot be read, as a problem."""
    return Problem(path, error.says, error.rule, error.suggestion, None if error.at is None else error.at + at)


def _of(path: Path, faults: list[TypeProblem], at: int = 0) -> Iterator[Problem]:
    for fault in faults:
        yield Problem(path, fault.says, fault.rule, fault.suggestion, fault.at + at)


def check_value(path: Path, value: object, scope: Scope) -> tuple[Kind | None, list[Problem]]:
    """What is wrong with the expressions in a value of `with`, and its kind; None where it holds no expression."""
    if isinstance(value, str) and "{{" in value:
        found = whole_at(value)
        if found is None:
            return TEXT, list(check_template(path, value, scope))
        source, at = found
        return kind_at(path, source, scope, at)
    inner: list[tuple[object, str | int]] = []
    if isinstance(value, Mapping):
        inner = [(each, name) for name, each in value.items()]
    elif isinstance(value, list | tuple):
        inner = [(each, number) for number, each in enumerate(value)]
    results = [check_value((*path, name), each, scope) for each, name in inner]
    dynamic = any(kind is not None for kind, _ in results)
    return ANY if dynamic else None, [problem for _, problems in results for problem in problems]


def check_parameters(
    path: Path, use: str, signature: Signature, written: Mapping[str, object], scope: Scope
) -> Iterator[Problem]:
    """Holds what stands under `with` against the parameters of an action; `path` is that of the step or remedy."""
    for name in sorted(signature.required - written.keys()):
        says = f"{use} needs the parameter {name!r}"
        yield Problem(path, says, "missing-parameter", "give it under `with`", on_key=True)
    for name, value in written.items():
        where: Path = (*path, "with", name)
        annotation = signature.parameters.get(name)
        if annotation is None:
            takes = ", ".join(sorted(signature.parameters)) or "none"
            says = f"{use} has no parameter {name!r}; it takes {takes}"
            yield Problem(where, says, "unknown-parameter", nearest(name, signature.parameters), on_key=True)
            continue
        kind, problems = check_value(where, value, scope)
        yield from problems
        if kind is not None:
            yield from _fits(where, name, annotation, kind, value)
            continue
        try:
            coerce(annotation, value)
        except ValueError as error:
            yield Problem(where, str(error), "wrong-parameter")


def _fits(path: Path, name: str, annotation: Any, kind: Kind, value: object) -> Iterator[Problem]:  # noqa: ANN401
    """Whether the value of an expression can be this parameter."""
    wanted = kind_of(annotation)
    shown = str(value)[:60]
    if not (wanted.known and kind.known):
        return
    if wanted.base in _PASSES and kind.base not in _PASSES[wanted.base]:
        yield Problem(path, f"{name} takes {wanted}, and {shown!r} is {kind}", "wrong-parameter")
    elif clash := compared(Side(kind.there(), shown), "==", Side(wanted, name)) if kind.base is wanted.base else None:
        rule = "unit-mismatch" if clash.rule == "unit-mismatch" else "wrong-parameter"
        yield Problem(path, clash.says, rule)
