"""Ends a run whose changes were checked, with one sentence: it helped, it did not, or that is unknown. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.run import Cause, Helped, Run, RunState
from bot.runbook.diagnosis.helped_criteria import Patience

_STATES = {
    Helped.YES: RunState.MENDED,
    Helped.PARTLY: RunState.PARTLY_HELPED,
    Helped.NO: RunState.NOT_HELPED,
    Helped.UNKNOWN: RunState.UNKNOWN,
}
LOUD = (RunState.PARTLY_HELPED, RunState.NOT_HELPED)
"""The states in which the changes are verified and the trouble is not over."""


def concluded(run: Run, patience: Patience) -> Run:
    """Returns the run as it ends after the last check of its changes."""
    effect = run.effect
    assert effect is not None
    match effect.helped:
        case Helped.YES:
            says = f"{effect.done} {_helped(patience)}"
        case Helped.PARTLY:
            says = f"{effect.done} This cause is gone, but the trouble is not over: {_ended(effect.holds)}"
        case Helped.NO:
            says = (
                f"The change was made and verified, but the trouble is not over: {_ended(effect.holds)} {effect.done}"
            )
        case _:
            reason = _ended(effect.missing or "the checks did not finish in time")
            says = (
                f"The change was made and verified, but whether it helped is unknown: {reason} Check {run.target}. "
                f"{effect.done}"
            )
    return replace(run, state=_STATES[effect.helped], says=says)


def next_cause(run: Run) -> Cause | None:
    """Returns the cause that leads after the changes of a run and that has a remedy, or None."""
    effect = run.effect
    if effect is None or run.state not in (RunState.MENDED, *LOUD):
        return None
    return next((each for each in effect.now if each.remedies), None)


def _helped(patience: Patience) -> str:
    if patience.holds_for:
        return f"It helped: the cause has been gone for {patience.holds_for:g} s."
    return "It helped: the cause is gone."


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
