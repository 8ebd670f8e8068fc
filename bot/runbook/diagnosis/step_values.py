"""Evaluates the values of `with` and converts them to the types of the parameters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.runbook.expressions.evaluation import ExpressionError, evaluate, render
from bot.runbook.expressions.syntax import sole_expression
from bot.runbook.language.signatures import Signature, coerce


def evaluate_value(source: object, scope: Mapping[str, object], *, promql: bool = False) -> Any:  # noqa: ANN401
    """Evaluates the expressions in a value: a sole `{{ ... }}` keeps its type, mixed text becomes text.

    Raises EvidenceMissing and ExpressionError.
    """
    if isinstance(source, str) and "{{" in source:
        expression = sole_expression(source)
        if expression is None or promql:
            return render(source, scope, promql=promql)
        return evaluate(expression, scope)
    if isinstance(source, Mapping):
        return {name: evaluate_value(each, scope, promql=promql) for name, each in source.items()}
    if isinstance(source, list | tuple):
        return [evaluate_value(each, scope, promql=promql) for each in source]
    return source


def evaluate_parameters(
    signature: Signature, sources: Mapping[str, object], scope: Mapping[str, object], *, promql: bool = False
) -> dict[str, Any]:
    """Evaluates and converts all parameters; raises EvidenceMissing and ExpressionError."""
    found: dict[str, Any] = {}
    for name, each in sources.items():
        value = evaluate_value(each, scope, promql=promql and name == "query")
        try:
            found[name] = coerce(signature.parameters[name], value)
        except ValueError as error:
            raise ExpressionError(f"{name}: {error}") from error
    return found
