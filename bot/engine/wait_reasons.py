"""What a run waits for, for whom and since when, in one sentence each. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.engine.run import Choice, Run, RunState, StepStatus
from bot.guards.facts import mention


@dataclass(frozen=True, slots=True)
class Waits:
    """What must happen next, since when that is so, and until when it may take; None where nothing bounds it."""

    what: str
    since: datetime
    until: datetime | None


def waits(run: Run) -> Waits:
    """What a run under way waits for; one that has ended waits for nothing."""
    since = run.timeline[-1].at if run.timeline else run.opened_at
    return Waits(_what(run), since, _until(run))


def _until(run: Run) -> datetime | None:
    if run.state is RunState.WAITING:
        return run.expires_at
    return run.hold.until if run.state is RunState.PAUSED and run.hold is not None else None


def _what(run: Run) -> str:
    by = f"; {mention(run.taken.user)} works on it" if run.taken is not None else ""
    match run.state:
        case RunState.TRIAGING:
            done = sum(step.status is not StepStatus.PENDING for step in run.steps)
            return f"Firstmate looks ({done} of {len(run.steps)} steps){by}"
        case RunState.WAITING:
            have = len({each.user for each in run.decisions if each.choice is Choice.APPROVE})
            left = max(0, run.approvals_needed - have)
            besides = "" if run.alert is not None and run.override is None else f" other than {mention(run.requester)}"
            return f"{left} approval{'s' if left != 1 else ''} of approvers{besides}{by}"
        case RunState.APPROVED:
            return f"the turn of the change{by}"
        case RunState.CHANGING:
            total = len(run.plan.changes) if run.plan else 0
            held = f", then {run.hold.kind}" if run.hold is not None else ""
            return f"Firstmate changes ({len(run.outcomes)} of {total}{held}){by}"
        case RunState.PAUSED:
            who = mention(run.hold.user) if run.hold is not None else "somebody"
            return f"{who}, who paused it, or another operator{by}"
        case _:
            return f"nothing: it is {run.state.value}{by}"
