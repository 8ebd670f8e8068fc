"""Which changes of a run are set back after a time, and when. Pure; `undo` sets them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.engine.run import Run, RunState


def due(run: Run) -> Sequence[tuple[int, float]]:
    """Returns the changes that stand and are set back after a time, as (number, seconds)."""
    if run.plan is None:
        return ()
    kept = {each.number for each in run.outcomes if each.state == RunState.MENDED.value}
    changes = enumerate(run.plan.changes)
    return [(n, c.revert_after) for n, c in changes if n in kept and c.revert_after is not None]


def announced(run: Run, reverts: Sequence[tuple[int, float]], *, now: datetime) -> Run:
    """Returns a run that succeeded with the time of its first revert; any other run as it is."""
    if not reverts or run.state is not RunState.MENDED:
        return run
    return replace(run, revert_at=now + timedelta(seconds=min(after for _, after in reverts)))
