"""Guards: pure rules that let a plan pass, ask for approval, or refuse it, always with a reason.

`ORDER` is the order in which they are checked. All of them are checked each time, so that a person sees every reason
at once; the first refusal decides.
"""

from __future__ import annotations

from collections.abc import Callable

from bot.guards import (
    approval,
    assignment,
    autonomy,
    blast_radius,
    budget,
    caller,
    cooldown,
    digest,
    freeze,
    halt,
    precondition,
    serving_floor,
    shard_lease,
    target,
    topology_repair,
    write_access,
)
from bot.guards.facts import Answer, Facts, Verdict

Guard = Callable[[Facts], Verdict]

ORDER: tuple[Guard, ...] = (
    halt.judge,
    freeze.judge,
    caller.judge,
    target.judge,
    write_access.judge,
    shard_lease.judge,
    assignment.judge,
    topology_repair.judge,
    cooldown.judge,
    budget.judge,
    blast_radius.judge,
    serving_floor.judge,
    autonomy.judge,
    approval.judge,
    digest.judge,
    precondition.judge,
)


def judge(facts: Facts) -> tuple[Verdict, ...]:
    """Checks every guard, in order."""
    return tuple(guard(facts) for guard in ORDER)


def refusal(verdicts: tuple[Verdict, ...]) -> Verdict | None:
    """Returns the first refusal, or None."""
    return next((verdict for verdict in verdicts if verdict.answer is Answer.REFUSE), None)
