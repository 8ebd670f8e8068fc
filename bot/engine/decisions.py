"""How a run moves when a person decides on its plan: to APPROVED, to DENIED, or not at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.engine.run import Choice, Decision, Event, Run, RunState
from bot.engine.segments import Change, Report, Segment
from bot.errors import NotAllowed
from bot.guards.facts import mention


@dataclass(frozen=True, slots=True)
class Decided:
    """What one decision makes of a run."""

    run: Run
    """The run with the decision; its state has changed where the decision was the last one needed."""
    segment: Segment | None
    """The segment that follows, or None while approvals are missing."""
    revoked: bool
    """Whether a denial revokes an approval that the same person gave before."""


def waiting(run: Run, *, now: datetime, expires_in: float) -> Run:
    """Returns the run as it waits for approvals until it expires, in seconds from now."""
    return replace(run, state=RunState.WAITING, expires_at=now + timedelta(seconds=expires_in))


def decide(run: Run, decision: Decision) -> Decided:
    """Applies a decision to a run; raises NotAllowed when the decision cannot count, with the state of the run.

    A person who approved may still deny, which voids the plan, until the change begins.
    """
    _check(run, decision)
    revoked = _revokes(run, decision)
    run = replace(run, decisions=(*(each for each in run.decisions if each.user != decision.user), decision))
    who = mention(decision.user)
    if decision.choice is Choice.DENY:
        says = f"{who} revoked the approval" if revoked else f"{who} denied it"
        return Decided(run.ending(RunState.DENIED, f"{says}; nothing was changed.", decision.at), Report(), revoked)
    if _approvals(run, decision.digest) < run.approvals_needed:
        return Decided(run, None, revoked)
    approved = replace(
        run,
        state=RunState.APPROVED,
        plan=run.offered(decision.digest),
        alternatives=(),
        says="Approved. Checking again before the change.",
        timeline=(*run.timeline, Event(decision.at, f"approved by {who}")),
    )
    return Decided(approved, Change(), revoked)


def _approvals(run: Run, digest: str) -> int:
    return sum(each.choice is Choice.APPROVE and each.digest == digest for each in run.decisions)


def _own(run: Run, decision: Decision) -> list[Choice]:
    """What the same person decided before on the same plan."""
    return [each.choice for each in run.decisions if each.user == decision.user and each.digest == decision.digest]


def _revokes(run: Run, decision: Decision) -> bool:
    return decision.choice is Choice.DENY and _own(run, decision) == [Choice.APPROVE]


def _check(run: Run, decision: Decision) -> None:
    if _own(run, decision) and not _revokes(run, decision):
        raise NotAllowed(f"You have already decided on run {run.id}, which is {run.state.value}.")
    if run.state is not RunState.WAITING and not (run.state is RunState.APPROVED and decision.choice is Choice.DENY):
        raise NotAllowed(f"Run {run.id} no longer waits for an approval: it is {run.state.value}. {run.says}")
    if run.offered(decision.digest) is None:
        raise NotAllowed(f"Run {run.id} has a newer plan than the one on this card; decide on the newest card.")
    if run.expires_at is not None and decision.at >= run.expires_at:
        raise NotAllowed(
            f"The approval request of run {run.id} expired at {run.expires_at:%H:%M:%S} UTC. Press Try again to "
            "request a new plan."
        )
