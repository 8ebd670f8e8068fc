"""Guards: pure rules that let a plan pass, ask for approval, or refuse it, always with a reason.

`ORDER` is the order in which they run. All of them run each time, so that a person sees every reason at once; the first
refusal decides. Verdicts, JSON and the audit log name a guard by its module; people read its title (`TITLES`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

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

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "halt": "Halt",
        "freeze": "Freeze",
        "caller": "Requester's role",
        "target": "Role of the target",
        "write_access": "Write access",
        "shard_lease": "Other changes in the shard",
        "assignment": "Assignment",
        "topology_repair": "Repair by VTOrc",
        "cooldown": "Cooldown",
        "budget": "Change budget",
        "blast_radius": "Blast radius",
        "serving_floor": "Replicas in service",
        "autonomy": "Autonomy of the runbook",
        "approval": "Approval",
        "digest": "Plan unchanged",
        "precondition": "Precondition of the action",
    }
)
"""What cards and the command line call each guard."""

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


def title(guard: str) -> str:
    """Returns what people read in place of a guard's name; an unknown name, as of an older run, stays as it is."""
    return TITLES.get(guard, guard)
