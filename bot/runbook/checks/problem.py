"""Checks of single values that several parts of a runbook share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.runbook.expressions import ExpressionError
from bot.runbook.findings import Path
from bot.runbook.findings import Problem as Problem
from bot.runbook.names import check_value
from bot.runbook.signatures import Signature, coerce, near


def tried(
    path: Path, checker: Callable[[str, Mapping[str, Any]], object], source: str, scope: Mapping[str, Any]
) -> Iterator[Problem]:
    """What a checker of expressions or templates raises, at a path."""
    try:
        checker(source, scope)
    except ExpressionError as error:
        yield Problem(path, str(error))


def check_parameters(
    path: Path, use: str, signature: Signature, written: Mapping[str, object], scope: Mapping[str, Any]
) -> Iterator[Problem]:
    """Holds what stands under `with` against the parameters of an action; `path` is that of the step or remedy."""
    for name in sorted(signature.required - written.keys()):
        yield Problem(path, f"{use} needs the parameter {name!r}; give it under `with`")
    for name, value in written.items():
        where: Path = (*path, "with", name)
        kind = signature.parameters.get(name)
        if kind is None:
            known = ", ".join(sorted(signature.parameters)) or "none"
            says = f"{use} has no parameter {name!r}{near(name, signature.parameters)} It takes: {known}."
            yield Problem(where, says)
            continue
        try:
            if not check_value(value, scope):
                coerce(kind, value)
        except (ValueError, ExpressionError) as error:
            yield Problem(where, str(error))
