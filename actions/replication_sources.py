"""The replication channels of a server: from whom each one replicates, and whether it does so now."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import MySQL, Row
from actions.replica_status_rows import channel_of, column, replica_status_rows

GROUP = "group_replication_"
"""Prefix of the channels of Group Replication, which name no source that someone chose."""


@dataclass(frozen=True, slots=True)
class Source:
    """One channel."""

    host: str
    port: int
    receiver_running: bool = True
    """Whether the receiver is running or keeps trying to connect; false once it was stopped or has given up."""
    connected: bool = True
    """Whether the receiver is connected."""
    server_uuid: str = ""
    """The source's server_uuid, which MySQL learns when it connects; '' if unknown, and on MariaDB."""
    server_id: int = 0
    """The source's server_id, which the replica learns when it connects; 0 if unknown."""
    channel: str = ""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


def sources(db: MySQL) -> tuple[Source, ...]:
    """Reads the source of every channel from SHOW REPLICA STATUS, without those of Group Replication.

    MySQL names its columns Source_*; MariaDB and MySQL before 8.0.22 name them Master_*.
    """
    found = [_source(row) for row in replica_status_rows(db, limit=64)]
    return tuple(each for each in found if each.host and not each.channel.startswith(GROUP))


def _source(row: Row) -> Source:
    def get(new: str, old: str) -> str:
        return str(column(row, new, old) or "")

    receiver = get("Replica_IO_Running", "Slave_IO_Running")
    return Source(
        host=get("Source_Host", "Master_Host"),
        port=int(get("Source_Port", "Master_Port") or 0),
        receiver_running=receiver not in ("No", ""),
        connected=receiver == "Yes",
        server_uuid=get("Source_UUID", "Master_UUID").lower(),
        server_id=int(get("Source_Server_Id", "Master_Server_Id") or 0),
        channel=channel_of(row),
    )
