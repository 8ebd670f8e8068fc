"""Evaluates a gather step: its dependencies, its condition, its items and its parameters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.runbook.diagnosis.step_values import evaluate_parameters
from bot.runbook.expressions.evaluation import ExpressionError, evaluate, holds
from bot.runbook.expressions.names import names_in, names_of_condition
from bot.runbook.language.gather_schema import GatherStep
from bot.runbook.language.signatures import of_diagnostic


def needs(step: GatherStep, steps: Iterable[str]) -> set[str]:
    """Returns the names of the steps whose evidence this step reads in `with`, `when` or `each`."""
    named = names_in(step.parameters)
    for source in (step.when, step.each):
        if source is not None:
            named |= names_of_condition(source)
    return set(named & set(steps))


def step_runs(step: GatherStep, scope: Mapping[str, object]) -> bool:
    """Whether the step's `when` is true or absent; raises EvidenceMissing and ExpressionError."""
    return step.when is None or holds(step.when, scope)


def step_items(step: GatherStep, scope: Mapping[str, object]) -> Sequence[object]:
    """Returns the items of `each`; raises EvidenceMissing, and ExpressionError if it is not a list."""
    assert step.each is not None
    found = evaluate(step.each, scope)
    if not isinstance(found, list | tuple):
        raise ExpressionError(f"`each` requires a list; {step.each!r} is {type(found).__name__}")
    return found


def step_parameters(step: GatherStep, scope: Mapping[str, object]) -> dict[str, Any]:
    """Returns the parameters for the diagnostic; raises EvidenceMissing and ExpressionError.

    Values that expressions insert into the `query` of Prometheus are escaped, so that they cannot end a string.
    """
    return evaluate_parameters(
        of_diagnostic(step.use), step.parameters, scope, promql=step.use.startswith("prometheus.")
    )
