"""Waits for a condition of the lab's servers."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.errors import FirstmateError


def wait_until(description: str, condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Returns when the condition is true; raises FirstmateError with its description after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise FirstmateError(f"The lab waited {seconds:.0f} s in vain: {description}.")
        time.sleep(0.05)
