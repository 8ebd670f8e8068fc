"""Decides which causes of a runbook the evidence proves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, holds, render
from bot.runbook.language.schema import Cause, Runbook


class CauseStatus(StrEnum):
    """Whether the evidence proves a cause."""

    HOLDS = "holds"
    NO = "no"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class JudgedCause:
    """The result for one cause; `says` is its sentence if it is proved, the reason if it is undecided."""

    id: str
    verdict: CauseStatus
    says: str
    remedies: tuple[str, ...] = ()
    look_again: float | None = None
    """Seconds after which evidence is gathered again, because the condition may have resolved itself."""
    over: bool = False
    """Whether it says that the trouble is over."""
    continues: str = ""
    """The runbook that a run goes on with if this cause leads, or ''."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The results for all causes, in the runbook's order; a proved cause that says that it is over comes last."""

    causes: tuple[JudgedCause, ...]

    @property
    def lead(self) -> JudgedCause | None:
        """The first proved cause."""
        return next((cause for cause in self.causes if cause.verdict is CauseStatus.HOLDS), None)

    @property
    def holding(self) -> tuple[JudgedCause, ...]:
        """All proved causes, in order."""
        return tuple(cause for cause in self.causes if cause.verdict is CauseStatus.HOLDS)


UNKNOWN_TARGET = Missing("target", "it is not in the inventory")


def diagnose(
    runbook: Runbook,
    evidence: Mapping[str, object],
    inputs: Mapping[str, object],
    target: Mapping[str, object] | Missing = UNKNOWN_TARGET,
) -> Diagnosis:
    """Evaluates every cause; a cause whose evidence is missing is undecided.

    `target` has the inventory's properties of the instance that the run is about.
    """
    scope = {**evidence, "inputs": dict(inputs), "target": target}
    found: list[JudgedCause] = []
    for cause in runbook.causes:
        if any(each.verdict is CauseStatus.HOLDS and each.id in cause.unless for each in found):
            found.append(JudgedCause(cause.id, CauseStatus.NO, ""))
        else:
            judged = _judge(cause, scope)
            found.append(_over(cause, judged, found) if cause.over else judged)
    return Diagnosis(tuple(sorted(found, key=lambda each: each.over and each.verdict is CauseStatus.HOLDS)))


def _over(cause: Cause, judged: JudgedCause, earlier: Sequence[JudgedCause]) -> JudgedCause:
    """Returns the result for a cause that says that it is over; nobody knows that while what excludes it is unknown."""
    unknown = [each.id for each in earlier if each.id in cause.unless and each.verdict is CauseStatus.UNDECIDED]
    if judged.verdict is not CauseStatus.HOLDS or not unknown:
        return judged
    return JudgedCause(cause.id, CauseStatus.UNDECIDED, f"Undecided, because {', '.join(unknown)} is undecided.")


def _judge(cause: Cause, scope: Mapping[str, object]) -> JudgedCause:
    try:
        if not holds(cause.when, scope):
            return JudgedCause(cause.id, CauseStatus.NO, "")
    except EvidenceMissing as missing:
        return JudgedCause(
            cause.id, CauseStatus.UNDECIDED, f"Undecided, because {missing.step} is missing: {missing.reason}"
        )
    except ExpressionError as error:
        return JudgedCause(cause.id, CauseStatus.UNDECIDED, f"Undecided: {error}")
    says = _sentence(cause, scope)
    return JudgedCause(
        cause.id, CauseStatus.HOLDS, says, cause.remedies, cause.look_again, over=cause.over, continues=cause.continues
    )


def _sentence(cause: Cause, scope: Mapping[str, object]) -> str:
    """Renders the sentence, with missing evidence as `unknown`; an error in it does not hide a proved cause."""
    try:
        return " ".join(render(cause.says, scope, lenient=True).split())
    except (EvidenceMissing, ExpressionError) as error:
        return f"{cause.id.replace('_', ' ').capitalize()} (cannot render the sentence: {error})."
