"""Remembers the answers of diagnostics within one assessment, so that several runbooks do not ask the same again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.runbook.language.gather_schema import GatherStep

Answered: TypeAlias = tuple[object, tuple[str, ...]]
"""The evidence, and what could not be asked of it."""


@dataclass(frozen=True, slots=True)
class EvidenceMemory:
    """The answers of one assessment, all of the same target; what failed is asked again."""

    _known: dict[str, Answered] = field(default_factory=dict)

    def recall(self, step: GatherStep, parameters: Mapping[str, Any]) -> Answered | None:
        """Returns the answer to the same diagnostic, at the same place and with the same parameters; None without."""
        return self._known.get(_question(step, parameters))

    def keep(self, step: GatherStep, parameters: Mapping[str, Any], answered: Answered) -> None:
        """Remembers an answer."""
        self._known[_question(step, parameters)] = answered


def _question(step: GatherStep, parameters: Mapping[str, Any]) -> str:
    place = step.on if isinstance(step.on, str) else step.on.model_dump()
    return json.dumps([step.use, place, dict(parameters)], sort_keys=True, default=str)
