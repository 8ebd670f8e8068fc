"""Values of `with`: plain ones as they stand, expressions evaluated, made to fit the parameter's type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.runbook.expressions.evaluation import ExpressionError, evaluate, render
from bot.runbook.expressions.syntax import sole_expression
from bot.runbook.language.signatures import Signature, coerce


def value_of(written: object, scope: Mapping[str, object], *, promql: bool = False) -> Any:  # noqa: ANN401
    """The value that a written one stands for: a lone `{{ ... }}` keeps its native type, a mixed text is text.

    Raises EvidenceMissing and ExpressionError.
    """
    if isinstance(written, str) and "{{" in written:
        inner = sole_expression(written)
        if inner is None or promql:
            return render(written, scope, promql=promql)
        return evaluate(inner, scope)
    if isinstance(written, Mapping):
        return {name: value_of(each, scope, promql=promql) for name, each in written.items()}
    if isinstance(written, list | tuple):
        return [value_of(each, scope, promql=promql) for each in written]
    return written


def fitted(
    signature: Signature, written: Mapping[str, object], scope: Mapping[str, object], *, promql: bool = False
) -> dict[str, Any]:
    """All parameters, evaluated and made to fit; raises EvidenceMissing and ExpressionError."""
    found: dict[str, Any] = {}
    for name, each in written.items():
        value = value_of(each, scope, promql=promql and name == "query")
        try:
            found[name] = coerce(signature.parameters[name], value)
        except ValueError as error:
            raise ExpressionError(f"{name}: {error}") from error
    return found
