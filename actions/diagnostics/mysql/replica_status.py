"""The replication status of a replica."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from actions.contract import Cost, Flavour, MySQL, Seconds, Unreadable, diagnostic
from actions.server_versions import replica
from actions.statement_redaction import redact_error

Receiver: TypeAlias = Literal["Yes", "No", "Connecting", "Preparing"]
Applier: TypeAlias = Literal["Yes", "No"]


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """The status of one channel; the fields of a server that does not replicate have their defaults."""

    configured: bool = False
    """Whether the server is configured to replicate."""
    channel: str = ""
    """The channel's name; '' for the default channel."""
    receiver_running: Receiver = "No"
    """The state of the receiver (I/O thread); `Preparing` is MariaDB's, between connected and reading."""
    applier_running: Applier = "No"
    """The state of the applier (SQL thread), or of the coordinator of its workers."""
    lag: Seconds | None = None
    """Seconds behind the source; empty if the server does not know, which is not the same as 0."""
    delay: Seconds = 0.0
    """The configured delay."""
    receiver_errno: int = 0
    """The number of the receiver's last error; 0 for none."""
    receiver_error: str = ""
    """The receiver's last error, without the values that it quotes."""
    applier_errno: int = 0
    """The number of the applier's last error; 0 for none."""
    applier_error: str = ""
    """The applier's last error, without the values that it quotes."""
    receiver_state: str = ""
    """What the receiver is doing, in the server's words."""
    applier_state: str = ""
    """What the applier is doing, in the server's words."""
    source_host: str = ""
    source_port: int = 0
    source_log: str = ""
    """The source's binary log that the receiver reads, or read last."""
    applied_source_log: str = ""
    """The source's binary log whose events are being applied, which the replica needs again after a crash."""
    auto_position: bool = False
    """Whether it replicates by GTID position."""
    retrieved_gtid: str = ""
    """GTIDs that the receiver has read; 2000 characters at most."""
    executed_gtid: str = ""
    """GTIDs that the replica has executed; 2000 characters at most."""

    @property
    def stopped_by_hand(self) -> bool:
        """Whether the applier is stopped without an error: a person or a tool stopped it, or it was not started."""
        return self.configured and self.applier_running == "No" and self.applier_errno == 0

    @property
    def running(self) -> bool:
        """Whether receiver and applier run."""
        return self.receiver_running == "Yes" and self.applier_running == "Yes"


WAITED_IN_VAIN = 3030
"""MySQL's error of a worker whose turn to commit never came because an earlier worker failed."""
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
    """Reads SHOW REPLICA STATUS.

    MySQL names its columns Replica_* and Source_*; MariaDB and MySQL before 8.0.22 name them Slave_* and Master_*.
    MariaDB shows only the default connection without ALL. With several channels, the first that is not running is
    returned, or else the first. With parallel workers, MySQL may report the error of a worker that waited for the
    failed one; the failed worker's error is then read instead.
    """
    all_of_them = f"ALL {replica(db.version)}S" if db.version.is_mariadb else replica(db.version)
    found = [_status(row) for row in db.rows(f"SHOW {all_of_them} STATUS", limit=300)]
    if not found:
        return ReplicaStatus()
    told = next((status for status in found if not status.running), found[0])
    return _at_its_root(db, told) if told.applier_errno == WAITED_IN_VAIN else told


def _at_its_root(db: MySQL, status: ReplicaStatus) -> ReplicaStatus:
    """Returns the same status with the error of the worker that failed first."""
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
    """Returns the server's word, which must be one that runbooks can compare with."""
    for word in words:
        if word == told:
            return word
    raise Unreadable(
        f"The server reports {str(told)[:40]!r} as the state of a replication thread; {', '.join(words)} are known."
    )
