"""Failures of one part of the lab's Vitess cluster that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from actions.contract import Unreadable
from actions.diagnostics.vitess.replication import replication
from actions.diagnostics.vitess.shard_health import shard_health
from bot.errors import FirstmateError
from bot.lab import processes
from bot.lab.lab_state import LabTablet
from bot.lab.vitess import cluster_processes
from bot.lab.waiting import wait_until
from tests.actions.vitess_hands import Hands

Trouble = Callable[[str, str], AbstractContextManager[None]]
"""`killed` or `frozen`, and the name of a process of the lab."""

HEALS_WITHIN = 180.0
"""Seconds: vtgate waits longer and longer before it checks a tablet again that was unavailable."""


def whole(hands: Hands) -> bool:
    """Whether the shard is healthy again, including replication."""
    try:
        health, copies = hands.ask(shard_health), hands.ask(replication)
    except (FirstmateError, Unreadable):  # what was away a moment ago may answer nothing yet
        return False
    serve = all(each.seen == "SERVING" and not each.down for each in health.tablets)
    return serve and health.topology_reachable and len(copies.ackers) == 2 and not copies.stopped


@pytest.fixture
def replica(hands: Hands) -> LabTablet:
    """A replica of the shard -80, which is in health."""
    wait_until("the shard is in health", lambda: whole(hands), HEALS_WITHIN)
    primary = hands.primary()
    return next(each for each in hands.vitess.tablets if each.shard == "-80" and each.alias != primary)


@pytest.fixture
def trouble(hands: Hands) -> Trouble:
    """Kills or freezes a process for as long as a block takes; the shard is in health again afterwards."""

    @contextmanager
    def make(how: str, name: str) -> Iterator[None]:
        if how == "killed":
            assert cluster_processes.kill(hands.lab, name)
            wait_until(
                f"{name} is gone", lambda: processes.find_running(hands.lab.folder, hands.lab.marker, name) is None
            )
        else:
            assert cluster_processes.freeze(hands.lab, name)
        try:
            yield
        finally:
            if how == "killed":
                cluster_processes.restart(hands.lab, name)
            else:
                cluster_processes.thaw(hands.lab, name)
            wait_until(f"the shard is in health after {name} was {how}", lambda: whole(hands), HEALS_WITHIN)

    return make
