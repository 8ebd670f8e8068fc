"""Which batch of a rollout comes next, and whether it may start after the outcomes of the earlier ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.engine.plan import Outcome, Plan
from bot.engine.run import RunState


def next_batch(plan: Plan, outcomes: Sequence[Outcome]) -> tuple[int, int]:
    """Returns the first batch without an outcome, and the number of changes that failed in the earlier ones."""
    booked = {each.number: each.state for each in outcomes}
    left = [batch for batch, numbers in enumerate(plan.batches) if not booked.keys() & set(numbers)]
    failed = sum(state not in (RunState.MENDED.value, "undone") for state in booked.values())
    return (left[0] if left else len(plan.batches)), failed


def may_continue(plan: Plan, numbers: tuple[int, ...], states: list[str], failures: int) -> bool:
    """Returns whether the next batch may start after these outcomes."""
    if RunState.UNKNOWN.value in states:
        return False
    if plan.on_failure == "continue":
        return failures <= plan.error_budget
    return len(states) == len(numbers) and all(state == RunState.MENDED.value for state in states)
