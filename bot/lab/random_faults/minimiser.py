"""Makes a failing scenario smaller while it keeps failing; no I/O of its own."""

from __future__ import annotations

from collections.abc import Callable

from bot.lab.random_faults.scenario import Scenario, smaller

MOST_PLAYS = 20


def minimise(scenario: Scenario, fails: Callable[[Scenario], bool], most: int = MOST_PLAYS) -> Scenario:
    """Returns the smallest scenario found that still fails, after at most so many plays.

    Each round drops one part, or all victims but one, and keeps the first of these scenarios that fails.
    """
    plays = 0
    while True:
        for each in smaller(scenario):
            if plays >= most:
                return scenario
            plays += 1
            if fails(each):
                scenario = each
                break
        else:
            return scenario
