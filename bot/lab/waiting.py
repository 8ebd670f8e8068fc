"""Waits for a condition of the lab's servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bot.errors import FirstmateError
from bot.lab.lab_state import LabState

START_AFRESH = "Run `firstmate lab down`, then `firstmate lab up`, to start with new servers."
LONGEST = 1800.0
"""Seconds for which a wait with progress may last altogether."""


def log_of(state: LabState, program: str) -> Path:
    """Returns the log of a server or of another program of the lab."""
    return state.folder / "logs" / f"{program}.log"


def wait_until(
    description: str,
    condition: Callable[[], bool],
    seconds: float = 30.0,
    *,
    log: Path | None = None,
    observed: Callable[[], str] = lambda: "",
    left: Callable[[], float] | None = None,
    next_step: str = START_AFRESH,
) -> None:
    """Returns when the condition is true; raises FirstmateError after so many seconds.

    The error consists of the description, a sentence such as `orders-2 replicates from orders-1`; what was observed
    instead, a clause; the log of the server; and the next step. With `left`, a number that falls while the condition
    comes closer, the time starts again at each new minimum, as for a replica that catches up.
    """
    began = time.monotonic()
    deadline, least = began + seconds, float("inf")
    while not condition():
        now = time.monotonic()
        if left is not None and (rest := left()) < least:
            deadline, least = min(now + seconds, began + LONGEST), rest
        if now > deadline:
            raise FirstmateError(_timed_out(description, now - began, observed(), log, next_step))
        time.sleep(0.05)


def _timed_out(description: str, seconds: float, observed: str, log: Path | None, next_step: str) -> str:
    waited = f"Timed out after {seconds:.0f} s. Expected: {description}."
    parts = (waited, f"Observed: {observed}." if observed else "", f"See its log, {log}." if log else "", next_step)
    return " ".join(filter(None, parts))
