"""Judges on new evidence whether a remedy has helped: whether the trouble that its cause named is gone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from actions.catalog import DIAGNOSTICS
from bot.runbook.diagnosis.causes import CauseStatus, Diagnosis, JudgedCause
from bot.runbook.diagnosis.gather_steps import needs
from bot.runbook.expressions.evaluation import EvidenceMissing, ExpressionError, Missing, holds
from bot.runbook.expressions.names import before_in, evidence_types, names_of_condition
from bot.runbook.language.gather_schema import GatherStep
from bot.runbook.language.schema import Cause, Runbook
from bot.runbook.language.signatures import coerce

LOCKS = "mysql.wait_graph"
WITHIN = 10.0
"""Seconds until a remedy must have helped, unless the runbook says otherwise."""
WITHIN_OF_VITESS = 60.0
"""The same under Vitess, whose parts poll one another: VTOrc, vtgate and vttablet."""
LOCKS_STAY_AWAY = 10.0
"""Seconds for which locks must stay away, unless the runbook says otherwise: a client that lost its session returns
within seconds, and may lock the same rows again."""
COSTLY_EVERY = 65.0
"""Seconds until a server answers a costly diagnostic a second time."""


class Trouble(StrEnum):
    """Whether the trouble is gone."""

    GONE = "gone"
    HOLDS = "holds"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the trouble is gone, with what holds instead, or why it cannot be decided."""

    trouble: Trouble
    says: str = ""
    rest: str = ""
    """What else holds that explains the alert, with its next step, where the trouble is gone; '' for nothing."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a remedy may take until it has helped, and how long that must last, in seconds."""

    within: float
    holds_for: float
    known_after: float
    """Until when missing evidence may still come: a costly diagnostic is answered once a minute."""


def cause_of(runbook: Runbook, holding: Collection[str], remedy: str) -> Cause | None:
    """Returns the first of the causes that held and that offers the remedy, or None."""
    return next((each for each in runbook.causes if each.id in holding and remedy in each.remedies), None)


def condition_steps(runbook: Runbook, cause: Cause) -> frozenset[str]:
    """Returns the names of the steps that the condition of `helped` reads, by default those of the cause's own."""
    declared = cause.helped
    if declared is None or declared.when is None:
        return names_of_condition(cause.when) & runbook.gather.keys()
    return (names_of_condition(declared.when) | before_in(declared.when)) & runbook.gather.keys()


def gathering(runbook: Runbook, steps: Collection[str]) -> Runbook:
    """Returns the runbook with these gather steps only, and those that they read."""
    wanted: set[str] = set()
    left = [name for name in steps if name in runbook.gather]
    while left:
        name = left.pop()
        if name not in wanted:
            wanted.add(name)
            left += needs(runbook.gather[name], runbook.gather)
    return runbook.model_copy(
        update={"gather": {name: step for name, step in runbook.gather.items() if name in wanted}}
    )


def checking(runbook: Runbook, cause: Cause) -> Runbook:
    """Returns the runbook with the steps that a check needs: those of its causes.

    A diagnostic that can stall a server is left out, unless the condition itself reads it or a cheap check comes first.
    """
    asked = condition_steps(runbook, cause)
    read = asked.union(*(names_of_condition(each.when) for each in runbook.causes))
    return gathering(runbook, [name for name in read & runbook.gather.keys() if name in asked or _cheap(runbook, name)])


def patience(runbook: Runbook, cause: Cause, *, vitess: bool) -> Patience:
    """Returns how long to wait for the remedy of this cause to help."""
    declared = cause.helped
    within = declared.within if declared is not None and declared.within is not None else None
    within = within or (WITHIN_OF_VITESS if vitess else WITHIN)
    read = [runbook.gather[name].use for name in condition_steps(runbook, cause)]
    holds_for = declared.holds_for if declared is not None else None
    if holds_for is None:
        holds_for = LOCKS_STAY_AWAY if LOCKS in read else 0.0
    costly = any(DIAGNOSTICS[use].costly for use in read)
    return Patience(within, holds_for, max(within + holds_for, COSTLY_EVERY if costly else 0.0))


def judge_trouble(
    runbook: Runbook,
    cause: Cause,
    scope: Mapping[str, object],
    diagnosis: Diagnosis,
    held_before: Collection[str],
) -> Judgement:
    """Judges whether the trouble of a cause is gone.

    Without a condition of its own, the cause must not hold any more, whatever excludes it, and no other cause with a
    remedy may have taken its place: one that did not hold before, and that reads the same evidence. Where the trouble
    is gone, the judgement has the rest: another cause of the runbook that holds and is not `over`, and that has a next
    step or held already before the change.
    """
    declared = cause.helped.when if cause.helped is not None else None
    try:
        if declared is not None:
            if holds(declared, scope):
                return Judgement(Trouble.GONE, rest=_rest(runbook, cause, diagnosis, held_before))
            over = {each.id for each in runbook.causes if each.over}
            found = [each.says for each in diagnosis.holding if each.id not in over]
            return Judgement(Trouble.HOLDS, next(iter(found), f"`{' '.join(declared.split())}` is not true"))
        if holds(cause.when, scope):
            return Judgement(Trouble.HOLDS, _sentence(diagnosis, cause))
    except EvidenceMissing as missing:
        return Judgement(Trouble.UNDECIDED, f"{missing.step} is missing: {missing.reason}")
    except ExpressionError as error:
        return Judgement(Trouble.UNDECIDED, str(error))
    successor = _successor(runbook, cause, diagnosis, held_before)
    if successor:
        return Judgement(Trouble.HOLDS, successor.says)
    return Judgement(Trouble.GONE, rest=_rest(runbook, cause, diagnosis, held_before))


def restored(runbook: Runbook, before: Mapping[str, object]) -> dict[str, object]:
    """Returns the evidence of steps from JSON; what cannot be read is missing."""
    types, found = evidence_types(runbook), dict[str, object]()
    for name, value in before.items():
        try:
            found[name] = coerce(types[name], value)
        except (KeyError, ValueError) as error:
            found[name] = Missing(f"before.{name}", str(error))
    return found


def _successor(
    runbook: Runbook, cause: Cause, diagnosis: Diagnosis, held_before: Collection[str]
) -> JudgedCause | None:
    """Returns a cause with a remedy that has taken the place of this one."""
    own = names_of_condition(cause.when) & runbook.gather.keys()
    reads = {each.id: names_of_condition(each.when) for each in runbook.causes}
    for each in diagnosis.holding:
        if each.remedies and each.id not in held_before and each.id != cause.id and own & reads[each.id]:
            return each
    return None


def _rest(runbook: Runbook, cause: Cause, diagnosis: Diagnosis, held_before: Collection[str]) -> str:
    """Returns the first other cause that still explains the alert, and its next step; '' if there is none."""
    titles = {name: remedy.title or name.replace("_", " ") for name, remedy in runbook.remedies.items()}
    for each in diagnosis.holding:
        if each.over or each.id == cause.id:
            continue
        if each.remedies:
            offered = " or ".join(titles.get(name, name) for name in each.remedies)
            return f"{each.says} Start a new run for its remedy: {offered}."
        if each.continues:
            return f"{each.says} Continue with the runbook {each.continues}."
        if each.id in held_before:
            return each.says
    return ""


def _sentence(diagnosis: Diagnosis, cause: Cause) -> str:
    """Returns the sentence of the cause as it holds now, or of the one that excludes it."""
    found = [each for each in diagnosis.causes if each.verdict is CauseStatus.HOLDS]
    own = next((each.says for each in found if each.id == cause.id), "")
    return own or next((each.says for each in found), cause.id.replace("_", " "))


def _cheap(runbook: Runbook, name: str) -> bool:
    step: GatherStep = runbook.gather[name]
    declared = DIAGNOSTICS[step.use]
    return not declared.costly or (declared.gated and not step.is_list)
