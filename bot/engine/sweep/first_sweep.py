"""The first sweep of many instances: their state, the replication of replicas, and VTOrc's view of shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.config import Role, Tablet
from bot.engine.sweep.comparison import Silence, Summary, responded, summarised
from bot.engine.sweep.run_sweep import Sweeps
from bot.engine.targets import Target

STATE, REPLICATION = "mysql.server_state", "mysql.replica_status"
"""Two cheap diagnostics: version, uptime, writability and recovery; then replication."""
TABLET, SHARD = "vitess.tablet_status", "vitess.vtorc"
"""For Vitess: the status of a tablet, and the problems that VTOrc detects in a shard."""
WITHIN = 20.0
"""Seconds for each diagnostic, while a person waits for the card."""


@dataclass(frozen=True, slots=True)
class FirstSweep:
    """The result of each diagnostic; an instance that does not answer the first one is not asked again."""

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
        """One sentence on how many answered and how many differ."""
        silent = {host for silence in self.silent for host in silence.hosts}
        strange = {host for _, summary in self.found for host in summary.strange} - silent
        found = [f"{len(strange):,} of them differ{'s' if len(strange) == 1 else ''}"] if strange else []
        return responded(self.asked - len(silent), self.asked, found)


def first_sweep(sweeps: Sweeps, targets: Sequence[Target]) -> FirstSweep:
    """Sweeps the state of all, then the replication of the replicas that answered; raises Busy.

    Tablets are asked through Vitess, and VTOrc once for each of their shards.
    """
    tablets = [each for each in targets if isinstance(each.instance, Tablet)]
    servers = [each for each in targets if not isinstance(each.instance, Tablet)]
    shards = list({each.shard.name: each for each in (*tablets, *_primaries(tablets))}.values())
    asked = ((STATE, servers), (TABLET, tablets), (SHARD, shards))
    with sweeps.alone():
        swept = [sweeps.sweep(name, each) for name, each in asked if each]
        states = [answer for each in swept if each.diagnostic != SHARD for answer in each.answers]
        answered = [answer.target for answer in states if not answer.missing]
        replicas = [target for target in answered if target.instance.role is Role.REPLICA]
        swept += [sweeps.sweep(REPLICATION, replicas)] if replicas else []
    found = tuple((each.diagnostic, summarised(each.answers)) for each in swept)
    return FirstSweep(len(targets), found, sum(each.took for each in swept))


def _primaries(tablets: Sequence[Target]) -> list[Target]:
    return [each for each in tablets if each.instance.role is Role.PRIMARY]
