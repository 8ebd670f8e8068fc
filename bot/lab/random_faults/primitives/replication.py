"""States of replication on one channel of a replica."""

from __future__ import annotations

from bot.lab.random_faults.primitives.primitive import REPLICATION, Primitive
from bot.lab.random_faults.primitives.replicas import Replica
from bot.lab.random_faults.scenario import ANY, Part
from bot.lab.random_faults.stage import Stage
from bot.lab.random_faults.truth import Remedy, Truth
from bot.lab.waiting import wait_until

STOPPED = frozenset({"replication", "lag", ANY})
ANY_LOOK = (
    "mysql/first-look:replication_stopped",
    "mysql/replication-lag:applier_stopped",
    "mysql/replication-lag:receiver_down",
)
"""Causes that say no more than that replication has stopped."""


def stopped(thread: str) -> Primitive:
    """Returns the primitive of a thread that a person has stopped: it is not to be started."""

    def inject(stage: Stage, part: Part) -> Truth:
        replica = Replica(stage, part.on)
        replica.do(f"STOP REPLICA {'SQL' if thread == 'applier' else 'IO'}_THREAD")
        stage.finally_(replica.start)
        return Truth(
            primitive=f"{thread}_stopped",
            instance=part.on,
            symptoms=STOPPED,
            causes=("mysql/replication-stopped:stopped_by_hand", *ANY_LOOK),
        )

    return Primitive(f"{thread}_stopped", "replica", STOPPED, inject, claims=frozenset({REPLICATION}))


def failed(number: int, cause: str) -> Primitive:
    """Returns the primitive of an applier that stopped with an error, because the replica's data differs."""

    def inject(stage: Stage, part: Part) -> Truth:
        replica = Replica(stage, part.on)
        replica.differ(number)
        wait_until(f"{part.on} stops with {number}", lambda: replica.applier_error() == number)
        return Truth(
            primitive=f"applier_{number}",
            instance=part.on,
            symptoms=STOPPED,
            causes=(f"mysql/replication-stopped:{cause}", *ANY_LOOK),
        )

    return Primitive(f"applier_{number}", "replica", STOPPED, inject, claims=frozenset({REPLICATION}))


def primitives() -> tuple[Primitive, ...]:
    """Returns the primitives of this module."""
    return (
        stopped("applier"),
        stopped("receiver"),
        failed(1062, "duplicate_key"),
        failed(1032, "row_missing"),
        failed(1146, "schema_differs"),
    )


__all__ = ["Remedy", "primitives"]
