"""The channels of a replica: the status of each one, and which of them needs attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from actions.contract import MySQL, Seconds, Unreadable
from actions.replica_status_rows import channel_of, column, replica_status_rows
from actions.replication_receiver_errors import ReceiverProblem, receiver_problem
from actions.statement_redaction import redact_error

Receiver: TypeAlias = Literal["Yes", "No", "Connecting", "Preparing"]
Applier: TypeAlias = Literal["Yes", "No"]


MAX_CHANNELS = 256
"""The most replication channels of a MySQL server (manual, Replication Channels)."""


@dataclass(frozen=True, slots=True)
class OtherChannel:
    """Another channel of the same replica, in brief."""

    channel: str = ""
    """Its name; '' for the default channel."""
    receiver_running: Receiver = "No"
    applier_running: Applier = "No"
    receiver_errno: int = 0
    applier_errno: int = 0
    lag: Seconds | None = None
    """Seconds behind its source; empty if the server does not know."""

    @property
    def failed(self) -> bool:
        """Whether a thread does not run because of an error."""
        return _failed(self)

    @property
    def says(self) -> str:
        """What does not run, e.g. `channel b (applier: error 1062)`; the name alone if both threads run."""
        down = []
        if self.applier_running == "No":
            down.append(f"applier: error {self.applier_errno}" if self.applier_errno else "applier stopped, no error")
        if self.receiver_running != "Yes":
            word = "stopped" if self.receiver_running == "No" else self.receiver_running.lower()
            down.append(
                f"receiver: error {self.receiver_errno}" if self.receiver_errno else f"receiver {word}, no error"
            )
        return channel_name(self.channel) + (f" ({', '.join(down)})" if down else "")


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """The status of one channel; the fields of a server that does not replicate have their defaults."""

    name: str = ""
    """The server's name in the inventory, where several servers were asked; otherwise ''."""
    configured: bool = False
    """Whether the server is configured to replicate, on the channel that was asked for."""
    channel: str = ""
    """The channel's name, which MariaDB calls the connection's; '' for the default channel."""
    others: tuple[OtherChannel, ...] = ()
    """The other channels of the server."""
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
    received_until: str = ""
    """Up to where the receiver has read the source's binary log, as `file:position`."""
    applied_until: str = ""
    """Up to where everything of the source's binary log is applied, as `file:position`. Parallel workers that do not
    preserve the commit order may have applied later transactions, too."""
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

    @property
    def failed(self) -> bool:
        """Whether a thread does not run because of an error."""
        return _failed(self)

    @property
    def up_to_date(self) -> bool:
        """Whether everything that was received is applied; False if the server does not say."""
        return self.applied_until != "" and self.applied_until == self.received_until

    @property
    def of_channel(self) -> str:
        """`of channel x` after a space, for sentences; '' if the server has the default channel alone."""
        return f" of {channel_name(self.channel)}" if self.channel or self.others else ""

    @property
    def others_failed(self) -> str:
        """The other channels that do not run because of an error, as text; '' if there are none."""
        return "; ".join(each.says for each in self.others if each.failed)

    @property
    def receiver_problem(self) -> ReceiverProblem:
        """Why the source does not send, told apart by the error's text; '' if the receiver runs or for other errors."""
        if self.receiver_running == "Yes":
            return ""
        return receiver_problem(self.receiver_errno, self.receiver_error, auto_position=self.auto_position)


def channel_name(channel: str) -> str:
    """Returns a channel as sentences name it."""
    return f"channel {channel}" if channel else "the default channel"


def _failed(state: OtherChannel | ReplicaStatus) -> bool:
    receiver = state.receiver_running != "Yes" and state.receiver_errno != 0
    return receiver or (state.applier_running == "No" and state.applier_errno != 0)


WAITED_IN_VAIN = 3030
"""MySQL's error of a worker whose turn to commit never came because an earlier worker failed."""
FAILED = f"""
SELECT LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error
  FROM performance_schema.replication_applier_status_by_worker
 WHERE CHANNEL_NAME = %s AND LAST_ERROR_NUMBER NOT IN (0, {WAITED_IN_VAIN})
 ORDER BY LAST_ERROR_TIMESTAMP LIMIT 1
"""


def replica_channels(db: MySQL) -> list[ReplicaStatus]:
    """Returns the status of every channel, each with the others in brief, in the server's order."""
    found = [_status(row) for row in replica_status_rows(db, limit=MAX_CHANNELS)]
    return [replace(status, others=tuple(in_brief(each) for each in found if each is not status)) for status in found]


def urgency(status: ReplicaStatus) -> tuple[int, float]:
    """Orders channels: the lowest is told. An unknown lag comes before any known one."""
    if status.failed:
        return (1 if status.receiver_running != "No" and status.applier_running == "Yes" else 0), 0.0
    return (3 if status.running else 2), float("-inf") if status.lag is None else -status.lag


def in_brief(status: ReplicaStatus) -> OtherChannel:
    """Returns a channel as the status of another one lists it."""
    return OtherChannel(
        channel=status.channel,
        receiver_running=status.receiver_running,
        applier_running=status.applier_running,
        receiver_errno=status.receiver_errno,
        applier_errno=status.applier_errno,
        lag=status.lag,
    )


def at_its_root(db: MySQL, status: ReplicaStatus) -> ReplicaStatus:
    """Returns the same status; if its error is of a worker that waited, with the error of the worker that failed."""
    if status.applier_errno != WAITED_IN_VAIN:
        return status
    failed = db.rows(FAILED, (status.channel,))
    if not failed:
        return status
    errno, error = int(failed[0]["errno"]), redact_error(failed[0]["error"])
    return replace(status, applier_errno=errno, applier_error=error)


def _status(row: Mapping[str, Any]) -> ReplicaStatus:
    def get(new: str, old: str) -> Any:  # noqa: ANN401 - as the driver gives it
        return column(row, new, old)

    lag = get("Seconds_Behind_Source", "Seconds_Behind_Master")
    auto = row.get("Auto_Position") or row.get("Using_Gtid") in ("Slave_Pos", "Current_Pos")
    return ReplicaStatus(
        configured=True,
        channel=channel_of(row),
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
        received_until=_position(get("Source_Log_File", "Master_Log_File"), row, "Read"),
        applied_until=_position(get("Relay_Source_Log_File", "Relay_Master_Log_File"), row, "Exec"),
        auto_position=bool(auto),
        retrieved_gtid=str(row.get("Retrieved_Gtid_Set") or row.get("Gtid_IO_Pos") or "")[:2000],
        executed_gtid=str(row.get("Executed_Gtid_Set") or row.get("Gtid_Slave_Pos") or "")[:2000],
    )


def _position(log: object, row: Mapping[str, Any], of: str) -> str:
    """Returns `file:position` of the source's binary log; '' if the server gives none."""
    position = column(row, f"{of}_Source_Log_Pos", f"{of}_Master_Log_Pos")
    return f"{log}:{position}" if log and position else ""


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
