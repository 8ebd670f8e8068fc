"""Summarizes the outcomes of a run's changes in one state and one text. Pure."""

from __future__ import annotations

from dataclasses import replace

from bot.engine.plan import Outcome, Plan
from bot.engine.run import Run, RunState

INTERRUPTED = "State now: "
"""How the sentence of a change begins that was under way when Firstmate stopped."""


def ended(run: Run, plan: Plan) -> Run:
    """Returns the ended run: mended if all changes were, unknown if it is not known whether one was made."""
    outcomes = sorted(run.outcomes, key=lambda outcome: outcome.number)
    if len(plan.changes) == 1 and outcomes:
        return replace(run, state=RunState(outcomes[0].state), says=_one(run, outcomes[0]))
    states = {outcome.state for outcome in outcomes}
    if states == {"mended"} and len(outcomes) == len(plan.changes):
        return replace(run, state=RunState.MENDED, says=_all(plan, outcomes))
    state = RunState.UNKNOWN if "unknown" in states else RunState.FAILED
    if states == {"refused"}:
        state = RunState.REFUSED
    return replace(run, state=state, says=_some(plan, outcomes))


def _one(run: Run, outcome: Outcome) -> str:
    if outcome.state != RunState.UNKNOWN.value or not outcome.says.startswith(INTERRUPTED):
        return outcome.says
    return (
        "Firstmate stopped during the change and did not repeat it. "
        f"{outcome.says} Check {run.target} before you change anything else."
    )


def _all(plan: Plan, outcomes: list[Outcome]) -> str:
    return f"All {len(outcomes)} changes were made and verified on {', '.join(plan.targets)}. {outcomes[-1].says}"


def _some(plan: Plan, outcomes: list[Outcome]) -> str:
    """Returns the failures first, then the changes in effect, then those that were not started."""
    said = []
    for outcome in outcomes:
        where = plan.changes[outcome.number].target
        if outcome.state == "unknown" and outcome.says.startswith(INTERRUPTED):
            said.append(
                f"Firstmate stopped while it changed {where} and did not repeat the change. {outcome.says} "
                f"Check {where}."
            )
        elif outcome.state in ("failed", "refused", "unknown"):
            said.append(f"{where} ({RunState(outcome.state).label.lower()}): {outcome.says}")
    for word, state in (("Made and verified", "mended"), ("Undone", "undone")):
        names = dict.fromkeys(plan.changes[each.number].target for each in outcomes if each.state == state)
        said += [f"{word}: {', '.join(names)}."] if names else []
    begun = {outcome.number for outcome in outcomes}
    rest = dict.fromkeys(change.target for number, change in enumerate(plan.changes) if number not in begun)
    return " ".join(said + ([f"Not started: {', '.join(rest)}."] if rest else []))
