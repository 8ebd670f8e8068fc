"""Builds the remediations of a remedy from the evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from actions.catalog import REMEDIATIONS
from actions.contract import Remediation
from bot.errors import RunbookError
from bot.runbook.diagnosis.step_values import evaluate_parameters, evaluate_value
from bot.runbook.expressions.evaluation import ExpressionError
from bot.runbook.language.remedy_schema import Remedy
from bot.runbook.language.schema import Runbook
from bot.runbook.language.schema_base import Place, Selector
from bot.runbook.language.signatures import UnknownAction, coerce, did_you_mean, of_remediation

RENAMED = {"cause_mended": "cause_fixed"}
"""Parameters of stored plans by the names that they had in an earlier version."""


def remedy_of(runbook: Runbook, name: str) -> Remedy:
    """Returns a remedy by name; raises RunbookError, which suggests the closest name."""
    found = runbook.remedies.get(name)
    if found is None:
        suggestion = did_you_mean(name, runbook.remedies) or "."
        raise RunbookError(f"{runbook.runbook} has no remedy {name!r}{suggestion}")
    return found


def build(use: str, sources: Mapping[str, object], scope: Mapping[str, object]) -> tuple[Remediation, dict[str, Any]]:
    """Returns the remediation, and all its parameters as JSON values from which `rebuild` creates it again.

    Raises EvidenceMissing, and ExpressionError for a parameter that the remediation does not accept.
    """
    parameters = evaluate_parameters(of_remediation(use), sources, scope)
    remediation_class = REMEDIATIONS[use]
    try:
        remediation = remediation_class(**parameters)
    except (ValueError, TypeError) as error:
        raise ExpressionError(f"{use}: {error}") from error
    return remediation, TypeAdapter(remediation_class).dump_python(remediation, mode="json")


def rebuild(use: str, stored: Mapping[str, Any]) -> Remediation:
    """Creates a remediation from the parameters that `build` returned, also after a round trip through JSON.

    Raises RunbookError if the catalog no longer has the remediation, or has it with other parameters.
    """
    try:
        annotations = of_remediation(use).parameters
        named = {RENAMED.get(name, name): value for name, value in stored.items()}
        return REMEDIATIONS[use](**{name: coerce(annotations[name], value) for name, value in named.items()})
    except UnknownAction as error:
        raise RunbookError(f"This version of Firstmate cannot make the planned change: {error}") from error
    except (KeyError, ValueError, TypeError) as error:
        message = f"This version of Firstmate cannot make the planned change {use}: {error}."
        raise RunbookError(message) from error


def remedy_location(remedy: Remedy, scope: Mapping[str, object]) -> Place | Selector:
    """Returns `on` of a remedy with its `tablet` evaluated; raises EvidenceMissing and ExpressionError."""
    if not isinstance(remedy.on, Selector) or remedy.on.tablet is None:
        return remedy.on
    return remedy.on.model_copy(update={"tablet": str(evaluate_value(remedy.on.tablet, scope))})
