"""Judges the causes of a runbook by the evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, holds, render
from bot.runbook.language.schema import Cause, Runbook


class CauseStatus(StrEnum):
    """What the evidence says of a cause."""

    HOLDS = "holds"
    NO = "no"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class JudgedCause:
    """One cause as judged; `says` is the sentence for a person where it holds, the reason where it is undecided."""

    id: str
    verdict: CauseStatus
    says: str
    remedies: tuple[str, ...] = ()
    look_again: float | None = None
    """Seconds after which it may have passed by itself."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All causes in the runbook's order."""

    causes: tuple[JudgedCause, ...]

    @property
    def lead(self) -> JudgedCause | None:
        """The first cause that holds."""
        return next((cause for cause in self.causes if cause.verdict is CauseStatus.HOLDS), None)

    @property
    def holding(self) -> tuple[JudgedCause, ...]:
        """All causes that hold, in order."""
        return tuple(cause for cause in self.causes if cause.verdict is CauseStatus.HOLDS)


NOWHERE = Missing("target", "the inventory does not know it")


def diagnose(
    runbook: Runbook,
    evidence: Mapping[str, object],
    inputs: Mapping[str, object],
    target: Mapping[str, object] | Missing = NOWHERE,
) -> Diagnosis:
    """Judges every cause; one whose evidence is missing is undecided, with the reason, and never holds.

    `target` is what expressions may know of the instance that the run is about.
    """
    scope = {**evidence, "inputs": dict(inputs), "target": target}
    found: list[JudgedCause] = []
    for cause in runbook.causes:
        if any(each.verdict is CauseStatus.HOLDS and each.id in cause.unless for each in found):
            found.append(JudgedCause(cause.id, CauseStatus.NO, ""))
        else:
            found.append(_judge(cause, scope))
    return Diagnosis(tuple(found))


def _judge(cause: Cause, scope: Mapping[str, object]) -> JudgedCause:
    try:
        if not holds(cause.when, scope):
            return JudgedCause(cause.id, CauseStatus.NO, "")
    except EvidenceMissing as missing:
        return JudgedCause(
            cause.id, CauseStatus.UNDECIDED, f"Not known, since {missing.step} is missing: {missing.reason}"
        )
    except ExpressionError as error:
        return JudgedCause(cause.id, CauseStatus.UNDECIDED, f"Not known: {error}")
    return JudgedCause(cause.id, CauseStatus.HOLDS, _sentence(cause, scope), cause.remedies, cause.look_again)


def _sentence(cause: Cause, scope: Mapping[str, object]) -> str:
    """The sentence, with what is missing as `unknown`; a proven cause is never lost to its own sentence."""
    try:
        return " ".join(render(cause.says, scope, lenient=True).split())
    except (EvidenceMissing, ExpressionError) as error:
        return f"{cause.id.replace('_', ' ').capitalize()}; the sentence cannot be completed ({error})."
