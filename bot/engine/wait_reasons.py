"""Describes what a run waits for, since when and until when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.engine.run import Choice, Run, RunState, StepStatus
from bot.guards.facts import mention


@dataclass(frozen=True, slots=True)
class Waits:
    """What must happen next, since when the run waits for it, and its deadline, or None."""

    what: str
    since: datetime
    until: datetime | None


def waits(run: Run) -> Waits:
    """Returns what a run waits for; one that has ended waits for nothing."""
    since = run.timeline[-1].at if run.timeline else run.opened_at
    return Waits(_what(run), since, _until(run))


def _until(run: Run) -> datetime | None:
    if run.state is RunState.WAITING:
        return run.expires_at
    if run.state is RunState.WATCHING:
        return run.effect.until if run.effect is not None else None
    return run.pause_request.until if run.state is RunState.PAUSED and run.pause_request is not None else None


def _what(run: Run) -> str:
    by = f"; assigned to {mention(run.taken.user)}" if run.taken is not None else ""
    match run.state:
        case RunState.TRIAGING:
            done = sum(step.status is not StepStatus.PENDING for step in run.steps)
            return f"its diagnostics ({done} of {len(run.steps)} steps done){by}"
        case RunState.WAITING:
            have = len({each.user for each in run.decisions if each.choice is Choice.APPROVE})
            left = max(0, run.approvals_needed - have)
            besides = "" if run.alert is not None and run.override is None else f" other than {mention(run.requester)}"
            return f"approval by {left} approver{'s' if left != 1 else ''}{besides}{by}"
        case RunState.APPROVED:
            return f"the start of its change{by}"
        case RunState.CHANGING:
            total = len(run.plan.changes) if run.plan else 0
            held = f", then it {run.pause_request.kind}s" if run.pause_request is not None else ""
            return f"its changes ({len(run.outcomes)} of {total} done{held}){by}"
        case RunState.PAUSED:
            who = f"; paused by {mention(run.pause_request.user)}" if run.pause_request is not None else ""
            return f"any operator to resume it{who}{by}"
        case RunState.WATCHING:
            return f"checks whether its change helped{by}"
        case _:
            return f"nothing: the run has ended{by}"
