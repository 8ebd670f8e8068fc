"""The order in which the fault bench runs faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest

from actions.catalog import DIAGNOSTICS
from bot.fleet.cost_gate import EVERY
from bot.lab.fault_injection.fault_file import Fault
from bot.runbook.library.load_runbooks import load_folders, shipped_folder


@dataclass
class FaultQueue:
    """Queues faults so that costly diagnostics run at most once per server and minute.

    The bot itself enforces that limit; a fault that ran earlier would not be diagnosed completely.
    """

    left: Sequence[Fault]
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _last_queried: dict[str, float] = field(default_factory=dict)

    def next(self) -> Fault | None:
        """Returns the next fault, after waiting until its server may be queried; None when the queue is empty."""
        if not self.left:
            return None
        fault = min(self.left, key=self._wait)
        if (wait := self._wait(fault)) > 0:
            self.pause(wait)
        self.left = [each for each in self.left if each != fault]
        return fault

    def mark_finished(self, fault: Fault) -> None:
        """Records that the fault's server was just queried."""
        if fault.expect.runbook in costly_runbooks():
            self._last_queried[fault.instance] = self.clock()

    def _wait(self, fault: Fault) -> float:
        asked = self._last_queried.get(fault.instance)
        if asked is None or fault.expect.runbook not in costly_runbooks():
            return 0.0
        return max(0.0, asked + EVERY + 1.0 - self.clock())


def interleave_shards(faults: Sequence[Fault]) -> list[Fault]:
    """Returns the faults with the Vitess shards in turn, so that a shard gets time between two failovers.

    Within a minute of a failover vtgate does not buffer queries to the shard again, which would be another fault.
    """
    by_shard: dict[str, list[Fault]] = {}
    for fault in faults:
        shard = fault.instance.partition("@")[0] if fault.flavour == "vitess" else ""
        by_shard.setdefault(shard, []).append(fault)
    return [fault for turn in zip_longest(*by_shard.values()) for fault in turn if fault is not None]


@lru_cache
def costly_runbooks() -> frozenset[str]:
    """Returns the names of the shipped runbooks that run a costly diagnostic."""
    shipped = load_folders([shipped_folder()]).runbooks
    return frozenset(r.runbook for r in shipped if any(DIAGNOSTICS[s.use].costly for s in r.gather.values()))
