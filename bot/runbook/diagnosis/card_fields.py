"""What a runbook's card shows before all else: the two or three things that one looks at first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bot.runbook.diagnosis.causes import NOWHERE
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, render
from bot.runbook.language.schema import Runbook

Shown: TypeAlias = tuple[tuple[str, str], ...]
"""Label and text, in the order of the runbook."""


def shown(
    runbook: Runbook,
    evidence: Mapping[str, object],
    inputs: Mapping[str, object],
    target: Mapping[str, object] | Missing = NOWHERE,
) -> Shown:
    """Renders each line of `shows`, with what is missing as `unknown`; a line that comes to nothing is left out."""
    scope = {**evidence, "inputs": dict(inputs), "target": target}
    found = ((label, _text(template, scope)) for label, template in runbook.shows.items())
    return tuple((label, text) for label, text in found if text)


def _text(template: str, scope: Mapping[str, object]) -> str:
    try:
        return " ".join(render(template, scope, lenient=True).split())
    except (EvidenceMissing, ExpressionError):
        return ""  # such as the first item of an empty list: there is nothing to show
