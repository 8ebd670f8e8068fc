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
from bot.privileges.corrections import Mending

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
    says: str
    """Where to run them, and why there."""


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
        *(_on_primary(shard, on, replicas, run) for (shard, on, replicas), run in on_primary.items()),
        *(_on_replica(each, alone[each.name], instances) for each in instances if each.name in alone),
    )


def _on_primary(shard: str, on: str, replicas: tuple[str, ...], statements: list[str]) -> Placed:
    through = f"; through it {', '.join(replicas)}" if replicas else ""
    return Placed(shard, on, replicas, tuple(statements), f"on {on}, the primary of {shard}{through}")


def _on_replica(instance: Instance, statements: list[str], instances: Sequence[Instance]) -> Placed:
    shard = instance.target.shard.name
    run = (UNLOGGED, *statements)
    if instance.super_read_only:
        run = (LIFTED, *run, BACK)
    says = f"on {instance.name}, a replica of {shard}, and there alone: kept out of its binary log"
    if not any(_primary_told(each, shard) for each in instances):
        says += "; its primary could not tell what it has, and where it lacks the same, grant it there instead"
    return Placed(shard, instance.name, (), run, says)


def _primary_told(instance: Instance, shard: str) -> bool:
    """Whether this is the primary of a shard, and its users could be asked."""
    of_it = instance.target.shard.name == shard and instance.target.instance.role is Role.PRIMARY
    return of_it and instance.reachable and not any(user.says for user in instance.users)
