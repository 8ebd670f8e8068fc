"""Decides on which server an administrator runs each GRANT or REVOKE. Pure.

A GRANT is replicated, so privileges that the primary and its replicas lack are granted on the primary. A privilege that
only a replica lacks is granted there with binary logging disabled: otherwise it would be an errant transaction. With
super_read_only a server refuses a GRANT even from an administrator, so it is disabled around the statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.config import Role
from bot.doctor.instance_report import InstanceReport
from bot.privileges.privilege_corrections import Corrections

UNLOGGED = "SET SESSION sql_log_bin = 0"
DISABLE_READ_ONLY, ENABLE_READ_ONLY = "SET GLOBAL super_read_only = 0", "SET GLOBAL super_read_only = 1"


@dataclass(frozen=True, slots=True)
class PlacedStatements:
    """Statements that an administrator runs on one server, in this order."""

    shard: str
    on: str
    replicas: tuple[str, ...]
    """The replicas that receive them by replication."""
    statements: tuple[str, ...]
    says: str
    """Where to run them, and why."""


def place_statements(
    instances: Sequence[InstanceReport], which: Callable[[Corrections], tuple[str, ...]]
) -> tuple[PlacedStatements, ...]:
    """Returns where to run the GRANTs or the REVOKEs, which `which` selects from a user's corrections."""
    wanted: defaultdict[tuple[str, tuple[str, ...]], list[InstanceReport]] = defaultdict(list)
    for instance in instances:
        for user in instance.users:
            statements = which(user.corrections)
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


def _on_primary(shard: str, on: str, replicas: tuple[str, ...], statements: list[str]) -> PlacedStatements:
    through = f"; replicated to {', '.join(replicas)}" if replicas else ""
    return PlacedStatements(shard, on, replicas, tuple(statements), f"Run on {on}, the primary of {shard}{through}")


def _on_replica(
    instance: InstanceReport, statements: list[str], instances: Sequence[InstanceReport]
) -> PlacedStatements:
    shard = instance.target.shard.name
    run = (UNLOGGED, *statements)
    if instance.super_read_only:
        run = (DISABLE_READ_ONLY, *run, ENABLE_READ_ONLY)
    says = f"Run on {instance.name}, a replica of {shard}; not written to its binary log"
    if not any(_is_inspected_primary(each, shard) for each in instances):
        says += "; its primary could not be inspected: if it lacks the same privileges, grant them there instead"
    return PlacedStatements(shard, instance.name, (), run, says)


def _is_inspected_primary(instance: InstanceReport, shard: str) -> bool:
    """Returns whether this is the primary of the shard and all of its users could be inspected."""
    of_it = instance.target.shard.name == shard and instance.target.instance.role is Role.PRIMARY
    return of_it and instance.reachable and not any(user.says for user in instance.users)
