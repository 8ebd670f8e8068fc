"""Whether a server accepts writes, and whether it acts as a primary."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.replica_status_rows import binlog_readers
from actions.replication_sources import sources
from actions.status_counters import on, variables


@dataclass(frozen=True, slots=True)
class Writability:
    """The role of one member of a shard."""

    address: str = ""
    """`host:port` of the server."""
    read_only: bool = False
    """Whether read_only is on."""
    super_read_only: bool | None = None
    """Whether super_read_only is on; empty if the server does not have it, as MariaDB."""
    replicates: bool = False
    """Whether a receiver is running, or keeps trying to connect."""
    stopped: bool = False
    """Whether it is configured to replicate, but no receiver is running: a replica that was stopped, or a server that
    was promoted without RESET REPLICA ALL."""
    source: str = ""
    """`host:port` of its source, or ''."""
    connected_replicas: Count = 0
    """Sessions that read its binary log now."""

    @property
    def writable(self) -> bool:
        """Whether it accepts writes of applications."""
        return not self.read_only

    @property
    def leads(self) -> bool:
        """Whether it replicates from no server and others replicate from it: it acts as a primary, whatever the
        inventory says."""
        return not self.replicates and self.connected_replicas > 0


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("PROCESS", "REPLICATION CLIENT", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SLAVE MONITOR"),
    },
)
def writability(db: MySQL) -> Writability:
    """Reads read_only and super_read_only, the server's source, and the replicas that read its binary log."""
    has = variables(db, "read_only", "super_read_only")
    channels = sources(db)
    replicates = any(each.receiver_running for each in channels)
    return Writability(
        address=db.address,
        read_only=has.get("read_only", "OFF").upper() not in ("OFF", "0"),
        super_read_only=on(has, "super_read_only") if "super_read_only" in has else None,
        replicates=replicates,
        stopped=bool(channels) and not replicates,
        source=channels[0].address if channels else "",
        connected_replicas=binlog_readers(db),
    )
