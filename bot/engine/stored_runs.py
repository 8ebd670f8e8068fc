"""Reads a run that must exist, and stores one that has ended."""

from __future__ import annotations

from bot.engine.ports import Store
from bot.engine.run import Run, RunState
from bot.errors import UnknownRun


def known_run(store: Store, run_id: str) -> Run:
    """Returns the run as it is stored now; raises UnknownRun."""
    run = store.run(run_id)
    if run is None:
        raise UnknownRun(run_id)
    return run


def save_ended(store: Store, run: Run, *, expect: RunState) -> None:
    """Stores an ended run if its stored state is `expect`, and audits its end with its cause."""
    lead = run.lead
    store.save(run, expect=expect, event=f"run.{run.state.value}", says=run.says, cause=lead.id if lead else None)
