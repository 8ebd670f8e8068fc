"""The first sweep over many instances: what state the servers are in, and how the replicas of them replicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.config import Role
from bot.engine.alike import Silence, Summary, summarised
from bot.engine.state import Target
from bot.engine.sweep import Sweeps

STATE, REPLICATION = "mysql.server_state", "mysql.replica_status"
"""Two light diagnostics that tell most: version, uptime, writability and recovery; then replication."""
WITHIN = 20.0
"""Seconds of each of the two, for people who wait for a card."""


@dataclass(frozen=True, slots=True)
class FirstSweep:
    """What each diagnostic found; who did not answer the first is not asked the second."""

    asked: int
    found: tuple[tuple[str, Summary], ...]
    took: float
    """Seconds."""

    @property
    def silent(self) -> tuple[Silence, ...]:
        return tuple(silence for _, summary in self.found for silence in summary.silent)

    @property
    def alike(self) -> bool:
        return all(summary.alike for _, summary in self.found)

    @property
    def says(self) -> str:
        """Who answers and who differs, in one sentence."""
        silent = {host for silence in self.silent for host in silence.hosts}
        strange = {host for _, summary in self.found for host in summary.strange} - silent
        said = f"{self.asked - len(silent):,} of {self.asked:,} answered"
        return f"{said}, {len(strange):,} of them unlike the others." if strange else f"{said}, all alike."


def first_sweep(sweeps: Sweeps, targets: Sequence[Target]) -> FirstSweep:
    """Sweeps the state of all, then the replication of the replicas that answered; raises Busy."""
    with sweeps.alone():
        state = sweeps.sweep(STATE, targets)
        answered = [look.target for look in state.looks if not look.missing]
        replicas = [target for target in answered if target.instance.role is Role.REPLICA]
        then = [sweeps.sweep(REPLICATION, replicas)] if replicas else []
    found = tuple((each.diagnostic, summarised(each.looks)) for each in (state, *then))
    return FirstSweep(len(targets), found, state.took + sum(each.took for each in then))
