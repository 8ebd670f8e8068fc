"""Finds the sessions at the roots of waits, and how many sessions wait for each. Pure.

A wait leads to the sessions that hold what it waits for; where such a session waits itself, to the holders of that. A
root holds something and waits for nobody. Waiters are counted, not listed, so that 5,000 of them are as cheap as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Queue:
    """Sessions that wait for one thing, such as a row, a table or a user-level lock, and the sessions that hold it."""

    kind: str
    """`row`, `metadata`, `global_read_lock` and so on; see `actions.diagnostics.mysql.wait_graph`."""
    object: str
    """What they wait for, such as `shop.orders`."""
    waiting: int
    """Sessions in the queue."""
    holders: tuple[int, ...]
    """Ids of the sessions that hold it in a way that excludes one of the waiters; 0 for a prepared transaction."""


@dataclass(frozen=True, slots=True)
class RootWait:
    """A session at the root, and what waits for it, directly or through others."""

    thread_id: int
    waiting: int
    queues: tuple[Queue, ...]
    """The queues of what it holds itself, the longest first."""
    reached: tuple[Queue, ...] = ()
    """The queues in which sessions wait for it, directly or through others."""
    behind: frozenset[int] = frozenset()
    """The waiting sessions among those whose waits were given."""


def roots(queues: Sequence[Queue], waits_in: Mapping[int, Sequence[Queue]]) -> tuple[RootWait, ...]:
    """Returns the roots, the one with the most waiters first; each queue counts once for a root.

    `waits_in` gives the queues in which a holder waits itself. A cycle has no root; its sessions are left out, since
    the server resolves it as a deadlock or by a timeout.
    """
    holds: dict[int, list[Queue]] = {}
    for queue in queues:
        for holder in queue.holders:
            holds.setdefault(holder, []).append(queue)
    members: dict[int, list[int]] = {}
    for session, waits in waits_in.items():
        for queue in waits:
            members.setdefault(id(queue), []).append(session)
    found = []
    for root, own in holds.items():
        if not waits_in.get(root):
            behind = _behind(own, holds, members)
            held = tuple(sorted(own, key=lambda queue: (-queue.waiting, queue.object)))
            waiters = frozenset(session for queue in behind for session in members.get(id(queue), ()))
            found.append(RootWait(root, sum(queue.waiting for queue in behind), held, tuple(behind), waiters))
    return tuple(sorted(found, key=lambda root: (-root.waiting, root.thread_id)))


def _behind(
    own: Sequence[Queue], holds: Mapping[int, Sequence[Queue]], members: Mapping[int, Sequence[int]]
) -> list[Queue]:
    """Returns the queues of a root, and those of the sessions that wait in them, and so on."""
    reached, left = {id(queue): queue for queue in own}, list(own)
    while left:
        for session in members.get(id(left.pop()), ()):
            for queue in holds.get(session, ()):
                if id(queue) not in reached:
                    reached[id(queue)] = queue
                    left.append(queue)
    return list(reached.values())
