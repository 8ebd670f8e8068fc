"""Renders the fields of a runbook's card: the two or three most important values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bot.runbook.diagnosis.causes import UNKNOWN_TARGET
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, render
from bot.runbook.language.schema import Runbook

CardFields: TypeAlias = tuple[tuple[str, str], ...]
"""Labels and texts, in the order of the runbook."""


def render_card_fields(
    runbook: Runbook,
    evidence: Mapping[str, object],
    inputs: Mapping[str, object],
    target: Mapping[str, object] | Missing = UNKNOWN_TARGET,
) -> CardFields:
    """Renders each field of `shows`, with missing evidence as `unknown`; empty fields are omitted."""
    scope = {**evidence, "inputs": dict(inputs), "target": target}
    found = ((label, _text(template, scope)) for label, template in runbook.shows.items())
    return tuple((label, text) for label, text in found if text)


def _text(template: str, scope: Mapping[str, object]) -> str:
    try:
        return " ".join(render(template, scope, lenient=True).split())
    except (EvidenceMissing, ExpressionError):
        return ""  # for example the first item of an empty list
