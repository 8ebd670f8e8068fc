"""Why a source does not send: tells the errors of a receiver apart by their texts, as many share a number. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

ReceiverProblem: TypeAlias = Literal[
    "",
    "purged",
    "ahead",
    "diverged",
    "same_id_as_replica",
    "same_id_as_source",
    "gtid_modes",
    "log_missing",
    "beyond_log",
    "not_an_event",
    "packet_of_source",
    "packet_of_replica",
    "no_binary_log",
    "log_unreadable",
    "incompatible",
    "tls",
    "public_key",
]

FATAL_READING = frozenset({1236, 13114})
"""The source's fatal error while it reads its binary log: 1236, and 13114 on replicas since MySQL 8.0."""
FATAL_SETTINGS = frozenset({1593, 13117})
"""The receiver's fatal error of its configuration: 1593, and 13117 since MySQL 8.0."""
PACKET_OF_REPLICA = frozenset({1153, 13125})
"""An event exceeds the limit of the replica: 1153, and 13125 since MySQL 8.0."""
TLS = 2026
"""The client library's number for a TLS connection that fails: certificate, version, or a server without TLS."""
PUBLIC_KEY = 2061
"""The client library's number for an authentication that needs TLS or the server's public key."""
SAME_ID = 4052
"""MariaDB's own number for a second replica with the same server_id."""

_OF_SOURCE: tuple[tuple[str, ReceiverProblem], ...] = (
    ("same server_uuid/server_id", "same_id_as_replica"),
    ("more gtids", "ahead"),
    ("diverged", "diverged"),
    ("gtid strict mode", "diverged"),
    ("not in the master's binlog", "ahead"),
    ("purged", "purged"),
    ("could not find gtid state", "purged"),
    ("could not find first log", "log_missing"),
    ("could not find next log", "log_missing"),
    ("position > file size", "beyond_log"),
    ("impossible position", "beyond_log"),
    ("binary log is not open", "no_binary_log"),
)
"""What the source says, in the order in which it is compared: a text on divergence repeats that of a lead."""


def receiver_problem(errno: int, error: str, *, auto_position: bool) -> ReceiverProblem:
    """Returns what keeps the source from sending, for the last error of a receiver; '' for every other error.

    Source: the texts of MySQL 9.7 and MariaDB 10.11 and 11.8 as seen on running servers, those of earlier versions
    from sql/rpl_binlog_sender.cc, sql/rpl_replica.cc and sql/sql_repl.cc.
    """
    text = error.lower()
    if errno == TLS:
        return "tls"
    if errno == PUBLIC_KEY:
        return "public_key"
    if errno in PACKET_OF_REPLICA:
        return "packet_of_replica"
    if errno == SAME_ID:
        return "same_id_as_replica"
    if errno in FATAL_SETTINGS:
        if "equal m" in text:  # equal MySQL server ids, equal MySQL server UUIDs, equal MariaDB server ids
            return "same_id_as_source"
        return "gtid_modes" if "gtid_mode" in text or "auto_position" in text else "incompatible"
    if errno not in FATAL_READING:
        return ""
    for part, problem in _OF_SOURCE:
        if part in text:
            return problem
    if "max_allowed_packet" in text:
        return "packet_of_source" if auto_position else "not_an_event"
    return "log_unreadable"


INSTEAD: dict[ReceiverProblem, str] = {
    "purged": "the source has purged the binary logs that the replica needs; rebuild it from a backup or a clone",
    "ahead": "the replica has transactions that its source lacks; compare both servers first",
    "diverged": "the replica has transactions that its source never had; compare both servers first",
    "same_id_as_replica": (
        "another replica of this source has the same server_uuid or server_id, and a start would throw that one out; "
        "give one of them its own"
    ),
    "same_id_as_source": "source and replica have the same server_uuid or server_id; give the replica its own",
    "gtid_modes": "gtid_mode of the source does not fit the replica; change it on one of them first",
    "log_missing": "the source lacks the binary log that the replica asks for; rebuild it or point it elsewhere",
    "beyond_log": "the replica asks for a position behind the end of the source's log; compare both servers first",
    "not_an_event": "at the replica's position no event begins, or the event exceeds max_allowed_packet of the source",
    "packet_of_source": "an event exceeds max_allowed_packet of the source, or its binary log is damaged",
    "packet_of_replica": "an event exceeds replica_max_allowed_packet (slave_max_allowed_packet) here; raise it",
    "no_binary_log": "the source has no binary log; enable log_bin there",
    "log_unreadable": "the source cannot read its binary log; check the log with mysqlbinlog there",
    "tls": "the TLS connection to the source fails; correct the certificate, the authority or the TLS settings first",
    "public_key": (
        "the password of the replication user may not travel without TLS or the public key of the source; set "
        "SOURCE_SSL = 1 or GET_SOURCE_PUBLIC_KEY = 1 in CHANGE REPLICATION SOURCE TO"
    ),
    "incompatible": "source and replica do not fit together (versions or settings); correct them first",
}
"""Why a start of the receiver does not help, and what to do instead."""
