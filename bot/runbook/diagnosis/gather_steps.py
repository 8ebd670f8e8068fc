"""What a gather step needs, whether it runs, and what it asks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.runbook.diagnosis.step_values import fitted
from bot.runbook.expressions.evaluation import ExpressionError, evaluate, holds
from bot.runbook.expressions.names import names_in, names_of_condition
from bot.runbook.language.schema_base import GatherStep
from bot.runbook.language.signatures import of_diagnostic


def needs(step: GatherStep, steps: Iterable[str]) -> set[str]:
    """The names of other steps whose evidence this one reads, in `when` or in `with`."""
    named = names_in(step.parameters)
    for source in (step.when, step.each):
        if source is not None:
            named |= names_of_condition(source)
    return set(named & set(steps))


def step_runs(step: GatherStep, scope: Mapping[str, object]) -> bool:
    """Whether the step's `when` holds; raises EvidenceMissing and ExpressionError."""
    return step.when is None or holds(step.when, scope)


def step_items(step: GatherStep, scope: Mapping[str, object]) -> Sequence[object]:
    """The items that `each` stands for; raises EvidenceMissing, and ExpressionError where it is not a list."""
    assert step.each is not None
    found = evaluate(step.each, scope)
    if not isinstance(found, list | tuple):
        raise ExpressionError(f"{step.each!r} is not a list, so there is nothing to ask about each item of")
    return found


def step_parameters(step: GatherStep, scope: Mapping[str, object]) -> dict[str, Any]:
    """The parameters to ask the diagnostic with; raises EvidenceMissing and ExpressionError.

    What an expression fills into the `query` of Prometheus is escaped, so that a label's text stays in its quotes.
    """
    return fitted(of_diagnostic(step.use), step.parameters, scope, promql=step.use.startswith("prometheus."))
