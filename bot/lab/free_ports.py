"""Finds free ports for the servers of the lab."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from bot.lab.server_data_directories import HOST


@contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Yields free ports of the loopback, below those that the kernel takes for outgoing connections.

    Until the end of the block nobody who binds without SO_REUSEADDR gets one of them, so that labs that come up at the
    same time do not choose the same ports. The servers of the lab set SO_REUSEADDR, and get theirs.
    """
    held: list[socket.socket] = []
    generator = random.SystemRandom()
    try:
        while len(held) < count:
            holder = socket.socket()
            try:
                holder.bind((HOST, generator.randrange(18000, 32000)))
            except OSError:
                holder.close()
                continue
            # Only after the bind, which another holder of the port would otherwise not prevent (socket(7)).
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.append(holder)
        yield [int(holder.getsockname()[1]) for holder in held]
    finally:
        for holder in held:
            holder.close()


def free_ports(count: int) -> list[int]:
    """Returns ports that are free now; whoever starts a server later than at once reserves them instead."""
    with reserved_ports(count) as ports:
        return ports
