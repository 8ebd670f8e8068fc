"""On which server each statement is to be run. Pure.

A GRANT goes through the binary log to the replicas, so what a primary and its replicas lack is run on the primary. What
a replica alone lacks is kept out of its binary log: it would be a transaction that the primary does not have.
super_read_only refuses a GRANT even to an administrator, so it is lifted around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.config import Role
from bot.doctor.instance import Instance
from bot.privileges.mending import Mending

UNLOGGED = "SET SESSION sql_log_bin = 0"
LIFTED, BACK = "SET GLOBAL super_read_only = 0", "SET GLOBAL super_read_only = 1"


@dataclass(frozen=True, slots=True)
class Placed:
    """Statements that an administrator runs on one server, in order."""

    shard: str
    on: str
    replicas: tuple[str, ...]
    """The replicas that they reach through the binary log."""
    statements: tuple[str, ...]

    @property
    def says(self) -> str:
        """Where to run them, and why there."""
        if self.replicas:
            return f"on {self.on}, the primary of {self.shard}; through it {', '.join(self.replicas)}"
        if UNLOGGED in self.statements:
            return f"on {self.on}, a replica of {self.shard}, and there alone: kept out of its binary log"
        return f"on {self.on}, the primary of {self.shard}"


def placed(instances: Sequence[Instance], which: Callable[[Mending], tuple[str, ...]]) -> tuple[Placed, ...]:
    """Where the GRANTs or the REVOKEs, which `which` takes of a user's mending, are to be run."""
    wanted: defaultdict[tuple[str, tuple[str, ...]], list[Instance]] = defaultdict(list)
    for instance in instances:
        for user in instance.users:
            statements = which(user.mending)
            if statements:
                wanted[instance.target.shard.name, statements].append(instance)
    on_primary: defaultdict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    alone: defaultdict[str, list[str]] = defaultdict(list)
    for (shard, statements), those in wanted.items():
        primary = next((each for each in those if each.target.instance.role is Role.PRIMARY), None)
        if primary is not None:
            on_primary[shard, primary.name, tuple(each.name for each in those if each is not primary)] += statements
        else:
            for each in those:
                alone[each.name] += statements
    return (
        *(Placed(shard, on, replicas, tuple(run)) for (shard, on, replicas), run in on_primary.items()),
        *(_on_replica(each, alone[each.name]) for each in instances if each.name in alone),
    )


def _on_replica(instance: Instance, statements: list[str]) -> Placed:
    run = (UNLOGGED, *statements)
    if instance.super_read_only:
        run = (LIFTED, *run, BACK)
    return Placed(instance.target.shard.name, instance.name, (), run)
