"""Reads a run that must exist."""

from __future__ import annotations

from bot.engine.ports import Store
from bot.engine.run import Run
from bot.errors import UnknownRun


def known_run(store: Store, run_id: str) -> Run:
    """Returns the run as it is stored now; raises UnknownRun."""
    run = store.run(run_id)
    if run is None:
        raise UnknownRun(run_id)
    return run
