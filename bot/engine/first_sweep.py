"""The first sweep over many instances: what state they are in, how replicas replicate, what VTOrc sees of shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.config import Role, Tablet
from bot.engine.grouping import Silence, Summary, summarised
from bot.engine.sweep import Sweeps
from bot.engine.targets import Target

STATE, REPLICATION = "mysql.server_state", "mysql.replica_status"
"""Two light diagnostics that tell most: version, uptime, writability and recovery; then replication."""
TABLET, SHARD = "vitess.tablet_status", "vitess.vtorc"
"""Of Vitess: how a tablet stands, and what VTOrc detects in a shard."""
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
    """Sweeps the state of all, then the replication of the replicas that answered; raises Busy.

    The state of a tablet is Vitess's; each of their shards is looked at once, besides.
    """
    tablets = [each for each in targets if isinstance(each.instance, Tablet)]
    servers = [each for each in targets if not isinstance(each.instance, Tablet)]
    shards = list({each.shard.name: each for each in (*tablets, *_primaries(tablets))}.values())
    asked = ((STATE, servers), (TABLET, tablets), (SHARD, shards))
    with sweeps.alone():
        swept = [sweeps.sweep(name, each) for name, each in asked if each]
        states = [look for each in swept if each.diagnostic != SHARD for look in each.looks]
        answered = [look.target for look in states if not look.missing]
        replicas = [target for target in answered if target.instance.role is Role.REPLICA]
        swept += [sweeps.sweep(REPLICATION, replicas)] if replicas else []
    found = tuple((each.diagnostic, summarised(each.looks)) for each in swept)
    return FirstSweep(len(targets), found, sum(each.took for each in swept))


def _primaries(tablets: Sequence[Target]) -> list[Target]:
    return [each for each in tablets if each.instance.role is Role.PRIMARY]
