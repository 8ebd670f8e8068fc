"""How replication of this replica stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from actions.contract import Cost, Flavour, MySQL, Seconds, Unreadable, diagnostic
from actions.redaction import redact_error
from actions.server_versions import replica

Receiver: TypeAlias = Literal["Yes", "No", "Connecting", "Preparing"]
Applier: TypeAlias = Literal["Yes", "No"]


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One channel's status; the fields of a server that does not replicate have their defaults."""

    configured: bool = False
    """Whether this server is set up to replicate at all."""
    channel: str = ""
    receiver_running: Receiver = "No"
    """The I/O thread; `Preparing` is MariaDB's, between connected and reading."""
    applier_running: Applier = "No"
    """The SQL thread, or the coordinator of its workers."""
    lag: Seconds | None = None
    """Seconds behind the source; None when the server cannot tell, which is not zero."""
    delay: Seconds = 0.0
    """Seconds by which the replica is delayed by configuration."""
    receiver_errno: int = 0
    receiver_error: str = ""
    applier_errno: int = 0
    applier_error: str = ""
    receiver_state: str = ""
    applier_state: str = ""
    source_host: str = ""
    source_port: int = 0
    source_log: str = ""
    """The source's binary log that the receiver reads, or read last."""
    applied_source_log: str = ""
    """The source's binary log whose events are applied: what the replica needs again after a crash."""
    auto_position: bool = False
    retrieved_gtid: str = ""
    executed_gtid: str = ""

    @property
    def stopped_by_hand(self) -> bool:
        """Whether the applier is stopped without any error: somebody, or a tool, did that."""
        return self.configured and self.applier_running == "No" and self.applier_errno == 0

    @property
    def running(self) -> bool:
        return self.receiver_running == "Yes" and self.applier_running == "Yes"


WAITED_IN_VAIN = 3030
"""MySQL's error of a worker whose turn to commit never came, since one before it failed."""
FAILED = f"""
SELECT LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error
  FROM performance_schema.replication_applier_status_by_worker
 WHERE CHANNEL_NAME = %s AND LAST_ERROR_NUMBER NOT IN (0, {WAITED_IN_VAIN})
 ORDER BY LAST_ERROR_TIMESTAMP LIMIT 1
"""


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("REPLICATION CLIENT", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("SLAVE MONITOR",),
    },
)
def replica_status(db: MySQL) -> ReplicaStatus:
    """Reads the status of replication.

    MySQL calls its columns Replica_* and Source_*, MariaDB and MySQL before 8.0.22 Slave_* and Master_*. MariaDB shows
    the default connection alone unless ALL are asked for. With several channels, the first that does not run is
    returned, else the first. With parallel workers MySQL may tell the error of one that merely waited for the one that
    failed; then the workers are asked.
    """
    all_of_them = f"ALL {replica(db.version)}S" if db.version.is_mariadb else replica(db.version)
    found = [_status(row) for row in db.rows(f"SHOW {all_of_them} STATUS", limit=64)]
    if not found:
        return ReplicaStatus()
    told = next((status for status in found if not status.running), found[0])
    return _at_its_root(db, told) if told.applier_errno == WAITED_IN_VAIN else told


def _at_its_root(db: MySQL, status: ReplicaStatus) -> ReplicaStatus:
    """The same status with the error of the worker that failed first."""
    failed = db.rows(FAILED, (status.channel,))
    if not failed:
        return status
    errno, error = int(failed[0]["errno"]), redact_error(failed[0]["error"])
    return replace(status, applier_errno=errno, applier_error=error)


def _status(row: Mapping[str, Any]) -> ReplicaStatus:
    def get(new: str, old: str) -> Any:  # noqa: ANN401 - as the driver gives it
        return row[new] if new in row else row.get(old)

    lag = get("Seconds_Behind_Source", "Seconds_Behind_Master")
    auto = row.get("Auto_Position") or row.get("Using_Gtid") in ("Slave_Pos", "Current_Pos")
    return ReplicaStatus(
        configured=True,
        channel=str(row.get("Channel_Name") or row.get("Connection_name") or ""),
        receiver_running=_word(RECEIVER, get("Replica_IO_Running", "Slave_IO_Running") or "No"),
        applier_running=_word(APPLIER, get("Replica_SQL_Running", "Slave_SQL_Running") or "No"),
        lag=None if lag is None else float(lag),
        delay=float(row.get("SQL_Delay") or 0),
        receiver_errno=int(row.get("Last_IO_Errno") or 0),
        receiver_error=redact_error(row.get("Last_IO_Error")),
        applier_errno=int(row.get("Last_SQL_Errno") or 0),
        applier_error=redact_error(row.get("Last_SQL_Error")),
        receiver_state=str(get("Replica_IO_State", "Slave_IO_State") or ""),
        applier_state=str(get("Replica_SQL_Running_State", "Slave_SQL_Running_State") or ""),
        source_host=str(get("Source_Host", "Master_Host") or ""),
        source_port=int(get("Source_Port", "Master_Port") or 0),
        source_log=str(get("Source_Log_File", "Master_Log_File") or ""),
        applied_source_log=str(get("Relay_Source_Log_File", "Relay_Master_Log_File") or ""),
        auto_position=bool(auto),
        retrieved_gtid=str(row.get("Retrieved_Gtid_Set") or row.get("Gtid_IO_Pos") or "")[:2000],
        executed_gtid=str(row.get("Executed_Gtid_Set") or row.get("Gtid_Slave_Pos") or "")[:2000],
    )


W = TypeVar("W", Receiver, Applier)
RECEIVER: tuple[Receiver, ...] = get_args(Receiver)
APPLIER: tuple[Applier, ...] = get_args(Applier)


def _word(words: tuple[W, ...], told: object) -> W:
    """The server's word, which must be one that runbooks can ask for."""
    for word in words:
        if word == told:
            return word
    raise Unreadable(
        f"The server says {str(told)[:40]!r} of a replication thread, which is none of {', '.join(words)}."
    )
