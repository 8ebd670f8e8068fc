"""The replication of one tablet, from vttablet's full status or from its MySQL server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from actions.contract import Seconds, Unreadable
from actions.diagnostics.mysql.replica_status import ReplicaStatus, replica_status
from actions.diagnostics.mysql.semi_sync import SemiSync, semi_sync
from actions.statement_redaction import redact_error
from actions.vitess_contract import ComponentAnswer, Tablet, Vitess
from actions.vitess_tablet_health import READ_ONLY

Thread: TypeAlias = Literal["running", "connecting", "stopped", "unknown"]
_THREADS: Mapping[int, Thread] = {1: "stopped", 2: "connecting", 3: "running"}
_ERRNO = re.compile(r"\b(?:error[_ ]code:?|errno:?|error) (?:MY-)?0*(\d{3,5})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Replica:
    """The replication of one tablet that is not the primary."""

    alias: str = ""
    """The tablet's alias."""
    type: str = ""
    """Its type in the topology."""
    known: bool = False
    """Whether its MySQL server could be read; if not, the other fields have their defaults."""
    configured: bool = False
    """Whether its MySQL server is configured to replicate."""
    receiver: Thread = "unknown"
    """The state of the receiver (I/O thread)."""
    applier: Thread = "unknown"
    """The state of the applier (SQL thread)."""
    errno: int = 0
    """The number of the error that stopped it, the applier's first; 0 if there is none or it is not named."""
    receiver_error: str = ""
    """The receiver's last error, without the values that it quotes."""
    applier_error: str = ""
    """The applier's last error, without the values that it quotes."""
    lag: Seconds | None = None
    """Seconds behind the source; empty while it is stopped, which is not the same as 0."""
    delay: Seconds = 0.0
    """Its configured delay."""
    source: str = ""
    """`host:port` of its source."""
    from_primary: bool | None = None
    """Whether its source is the shard's primary; empty if either is unknown."""
    read_only: bool | None = None
    """`read_only` of its MySQL server; empty if unknown."""
    super_read_only: bool | None = None
    """`super_read_only` of its MySQL server; empty if unknown."""
    semi_sync_enabled: bool = False
    """Whether it is configured to acknowledge."""
    semi_sync_active: bool = False
    """Whether it does acknowledge."""
    may_acknowledge: bool = False
    """Whether the keyspace's durability policy lets it acknowledge the primary's commits."""
    reported_lag: Seconds | None = None
    """The lag that its vttablet reports to vtgates; 0 if it does not measure it, which is the default of vttablet."""

    @property
    def running(self) -> bool:
        """Whether both replication threads run."""
        return self.receiver == "running" and self.applier == "running"

    @property
    def stopped(self) -> bool:
        """Whether it is configured to replicate and a replication thread is not running."""
        return self.configured and not self.running

    @property
    def failed(self) -> bool:
        """Whether an error stopped it."""
        return self.stopped and bool(self.applier_error or self.receiver_error)

    @property
    def stopped_by_hand(self) -> bool:
        """Whether its applier is stopped without an error: a person or a tool stopped it, or it was not started."""
        return self.configured and self.applier == "stopped" and not self.applier_error

    @property
    def acknowledges(self) -> bool:
        """Whether it acknowledges the primary's commits now."""
        return self.may_acknowledge and self.semi_sync_active and self.receiver == "running"

    @property
    def writable(self) -> bool:
        """Whether its MySQL server accepts writes, which no replica should."""
        return self.super_read_only is False and self.read_only is False


def replica_from_status(tablet: Tablet, answer: ComponentAnswer, primary: Tablet | None, durability: str) -> Replica:
    """Returns the replication of a tablet, from the answer to GetFullStatus."""
    may = may_acknowledge(tablet, primary, durability)
    if not answer.ok or (status := answer.body.get("status", {})).get("disk_stalled"):
        return Replica(alias=tablet.alias, type=tablet.type, may_acknowledge=may)
    told = status.get("replication_status")
    found = Replica(
        alias=tablet.alias,
        type=tablet.type,
        known=True,
        read_only=bool(status.get("read_only")),
        super_read_only=bool(status.get("super_read_only")),
        semi_sync_enabled=bool(status.get("semi_sync_replica_enabled")),
        semi_sync_active=bool(status.get("semi_sync_replica_status")),
        may_acknowledge=may,
    )
    return found if told is None else _replicating(found, told, primary)


def _replicating(found: Replica, told: Mapping[str, Any], primary: Tablet | None) -> Replica:
    receiver, applier = (redact_error(told.get(name)) for name in ("last_io_error", "last_sql_error"))
    source = (str(told.get("source_host", "")), int(told.get("source_port", 0)))
    unknown = bool(told.get("replication_lag_unknown"))
    return replace(
        found,
        configured=True,
        receiver=_THREADS.get(int(told.get("io_state", 0)), "unknown"),
        applier=_THREADS.get(int(told.get("sql_state", 0)), "unknown"),
        errno=_errno(applier) or _errno(receiver),
        receiver_error=receiver,
        applier_error=applier,
        lag=None if unknown else float(told.get("replication_lag_seconds", 0)),
        delay=float(told.get("sql_delay", 0)),
        source=_address(*source),
        from_primary=_from(primary, *source),
    )


def replica_from_mysql(vt: Vitess, tablet: Tablet, found: Replica, primary: Tablet | None) -> Replica:
    """Returns the same, read from the tablet's MySQL server; unchanged if that cannot be read either."""
    try:
        server = vt.mysql_of(tablet.alias)
        of_server: ReplicaStatus = replica_status(server)
        acks: SemiSync = semi_sync(server)
        row = server.rows(READ_ONLY)[0]
    except Unreadable:
        return found
    return replace(
        found,
        known=True,
        configured=of_server.configured,
        receiver=_thread(of_server.receiver_running),
        applier=_thread(of_server.applier_running),
        errno=of_server.applier_errno or of_server.receiver_errno,
        receiver_error=of_server.receiver_error,
        applier_error=of_server.applier_error,
        lag=of_server.lag,
        delay=of_server.delay,
        source=_address(of_server.source_host, of_server.source_port),
        from_primary=_from(primary, of_server.source_host, of_server.source_port) if of_server.configured else None,
        read_only=bool(int(row["read_only"])),
        super_read_only=bool(int(row["super_read_only"])),
        semi_sync_enabled=acks.replica_enabled,
        semi_sync_active=acks.replica_active,
    )


def may_acknowledge(tablet: Tablet, primary: Tablet | None, durability: str) -> bool:
    """Whether the durability policy lets a tablet acknowledge the primary's commits (Vitess, policy/durability.go)."""
    if not durability.startswith(("semi_sync", "cross_cell")):
        return False
    if durability.startswith("cross_cell") and (primary is None or primary.cell == tablet.cell):
        return False
    return tablet.type in ("PRIMARY", "REPLICA") or (tablet.type == "RDONLY" and durability.endswith("rdonly_ack"))


def _from(primary: Tablet | None, host: str, port: int) -> bool | None:
    if primary is None or not host:
        return None
    return (host, port) == (primary.mysql_hostname or primary.hostname, primary.mysql_port)


def _address(host: str, port: int) -> str:
    return f"{host}:{port}" if host else ""


def _thread(word: str) -> Thread:
    if word == "Yes":
        return "running"
    return "stopped" if word == "No" else "connecting"


def _errno(error: str) -> int:
    found = _ERRNO.search(error)
    return int(found[1]) if found else 0
