"""The replication status of a replica."""

from __future__ import annotations

from actions.contract import Cost, Flavour, MySQL, diagnostic
from actions.replication_channels import (
    WAITED_IN_VAIN,
    ReplicaStatus,
    at_its_root,
    in_brief,
    replica_channels,
    urgency,
)

__all__ = ["WAITED_IN_VAIN", "ReplicaStatus", "replica_channels", "replica_status"]


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("REPLICATION CLIENT", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("SLAVE MONITOR",),
    },
)
def replica_status(db: MySQL, *, channel: str = "") -> ReplicaStatus:
    """Reads SHOW REPLICA STATUS of `channel`; without a name, of the channel that most needs attention.

    That is the first of these: a channel with an error, one whose receiver keeps trying to connect, one that stands
    without an error, the one that is furthest behind. A `channel` that the server does not have is not configured.
    MySQL names its columns Replica_* and Source_*; MariaDB and MySQL before 8.0.22 name them Slave_* and Master_*.
    MariaDB shows only the default connection without ALL. With parallel workers, MySQL may report the error of a worker
    that waited for the failed one; the failed worker's error is then read instead.
    """
    found = replica_channels(db)
    if channel:
        told = next((status for status in found if status.channel.lower() == channel.lower()), None)
    else:
        told = min(found, key=urgency, default=None)
    if told is None:
        return ReplicaStatus(channel=channel if found else "", others=tuple(map(in_brief, found)))
    return at_its_root(db, told)
