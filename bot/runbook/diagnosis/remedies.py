"""Builds a remediation from a remedy and the evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from actions.catalog import REMEDIATIONS
from actions.contract import Remediation
from bot.errors import RunbookError
from bot.runbook.diagnosis.step_values import fitted, value_of
from bot.runbook.expressions.evaluation import ExpressionError
from bot.runbook.language.schema import Remedy, Runbook
from bot.runbook.language.schema_base import Place, Selector
from bot.runbook.language.signatures import UnknownAction, coerce, did_you_mean, of_remediation


def remedy_of(runbook: Runbook, name: str) -> Remedy:
    """Returns a remedy by name; raises RunbookError with the nearest name."""
    found = runbook.remedies.get(name)
    if found is None:
        raise RunbookError(f"{runbook.runbook} has no remedy {name!r}{did_you_mean(name, runbook.remedies)}")
    return found


def build(use: str, written: Mapping[str, object], scope: Mapping[str, object]) -> tuple[Remediation, dict[str, Any]]:
    """Returns the remediation, and all its parameters as JSON values from which it can be made again.

    Raises EvidenceMissing, and ExpressionError for a value that does not fit or that the remediation refuses.
    """
    chosen = fitted(of_remediation(use), written, scope)
    kind = REMEDIATIONS[use]
    try:
        made = kind(**chosen)
    except (ValueError, TypeError) as error:
        raise ExpressionError(f"{use}: {error}") from error
    return made, TypeAdapter(kind).dump_python(made, mode="json")


def again(use: str, stored: Mapping[str, Any]) -> Remediation:
    """Makes a remediation again from the parameters that `build` returned, also after they were JSON.

    Raises RunbookError where the catalog does not have it any more, or has other parameters since.
    """
    try:
        kinds = of_remediation(use).parameters
        return REMEDIATIONS[use](**{name: coerce(kinds[name], value) for name, value in stored.items()})
    except UnknownAction as error:
        raise RunbookError(f"The planned change cannot be made any more: {error}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise RunbookError(f"The planned change {use} does not fit this version of Firstmate: {error}.") from error


def where_of(remedy: Remedy, scope: Mapping[str, object]) -> Place | Selector:
    """Where a remedy is made, with the tablet that an expression names; raises EvidenceMissing and ExpressionError."""
    if not isinstance(remedy.on, Selector) or remedy.on.tablet is None:
        return remedy.on
    return remedy.on.model_copy(update={"tablet": str(value_of(remedy.on.tablet, scope))})
