"""Whether a refused run may go on by break-glass, and with which override. Pure."""

from __future__ import annotations

from datetime import datetime

from bot.engine.active_halts import MAX_REASON
from bot.engine.run import Run, RunState
from bot.errors import NotAllowed, WrongUsage
from bot.guards.facts import Answer, Override

OVERRIDABLE = frozenset({"freeze", "cooldown"})
"""The guards that break-glass overrides."""
SHORTEST_REASON = 10
"""Characters."""


def override_of(run: Run, user: str, reason: str, *, now: datetime) -> Override:
    """Returns the override with which a refused run is opened again.

    Raises WrongUsage when the reason is too short, and NotAllowed when anything but OVERRIDABLE refused the run.
    """
    if len(reason) < SHORTEST_REASON:
        raise WrongUsage(
            f"Break-glass needs a reason of at least {SHORTEST_REASON} characters; the channel and the audit log "
            "show it."
        )
    refused = {each.guard for each in run.verdicts if each.answer is Answer.REFUSE}
    others = refused - OVERRIDABLE
    if run.state is not RunState.REFUSED or not refused or others:
        why = f"was refused by {', '.join(sorted(others))}" if others else f'has the state "{run.state.label}"'
        raise NotAllowed(f"Break-glass overrides only refusals by freeze or cooldown. Run {run.id} {why}.")
    return Override(user, reason[:MAX_REASON], now)
