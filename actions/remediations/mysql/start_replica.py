"""Starts the threads of a replica that stopped for a transient reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import (
    DIAGNOSE_AGAIN,
    Flavour,
    Grants,
    MySQL,
    Refused,
    Remediation,
    Risk,
    ServerVersion,
    Statement,
    Verification,
)
from actions.diagnostics.mysql.replica_status import ReplicaStatus, replica_status
from actions.replication_threads import ReplicationThread, thread_clause, thread_title
from actions.server_versions import replica
from actions.sql_quoting import statement

RETRYABLE = frozenset({1040, 1158, 1159, 1160, 1161, 1205, 1213, 2003, 2013})
"""Transient errors: too many connections, network reads and writes, lock wait timeout, deadlock, and a source that
could not be reached for a while."""

INSTEAD = {
    1032: "row not found: the data of the replica differ; compare the row with the source, then rebuild the replica",
    1062: "the row already exists: someone wrote to the replica, or its data differ; compare the row with the source",
    1236: "the source has purged the binary logs that the replica needs: rebuild it from a backup or a clone",
    1045: "the source refuses the replication user: fix its password or its grants first",
    1872: "the relay log cannot be initialized: reset the replica's relay logs and point it at the source again",
    13121: (
        "the relay log is damaged: reset the replica's relay logs; with GTID auto-positioning nothing is lost if the "
        "source still has the binary logs"
    ),
    13114: "the source cannot send what the replica needs; when its binary logs are purged, rebuild the replica",
    13117: "source and replica have the same server_uuid: remove auto.cnf of the copy and restart it",
    1593: "source and replica are incompatible (ids, versions or GTID modes): fix the configuration",
    1950: "a transaction written on the replica is out of order with those of the source; find that write first",
}


@dataclass(frozen=True)
class StartReplica(Remediation):
    """Starts the applier, the receiver, or both."""

    thread: ReplicationThread = "both"
    """Which threads are started."""
    stopped_by_hand_too: bool = False
    """Whether to start threads that stopped without an error, which someone may have stopped on purpose."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    under_vitess: ClassVar[str] = "vitess.start_replication"
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("REPLICATION CLIENT", "SELECT ON performance_schema.*", "REPLICATION_SLAVE_ADMIN"),
        Flavour.MARIADB: ("SLAVE MONITOR", "REPLICATION SLAVE ADMIN"),
    }
    settles_within: ClassVar[float] = 12.0
    holds_for: ClassVar[float] = 1.5
    """Longer than an applier takes to fail with the same error again."""

    def check(self, db: MySQL) -> None:
        """Refuses what does not replicate, runs already, was stopped by hand, or stopped for a lasting reason."""
        status = replica_status(db)
        if not status.configured:
            raise Refused(f"{db.address} is not configured to replicate; there is nothing to start.")
        stopped = self._stopped(status)
        if not stopped and self._runs(status):
            raise Refused(f"The {thread_title(self.thread)} of {db.address} is already running. {DIAGNOSE_AGAIN}")
        if not stopped:
            raise Refused(
                f"The receiver of {db.address} is started and trying to connect (error {status.receiver_errno}: "
                f"{status.receiver_error}); starting it again has no effect. Check the source and the network."
            )
        for thread, errno, error in stopped:
            if errno and errno not in RETRYABLE:
                instead = INSTEAD.get(errno, "find out its cause before you start the thread")
                raise Refused(f"Error {errno} of the {thread} of {db.address} is not transient ({error}): {instead}.")
            if not errno and not self.stopped_by_hand_too:
                raise Refused(
                    f"The {thread} of {db.address} stopped without an error: a person or a tool stopped it, or "
                    "the server started with skip_replica_start. Ask who is working on it before you start it."
                )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """START REPLICA, for the channel that is stopped."""
        yield self._statement("START", replica_status(db), db.version)

    def verify(self, db: MySQL) -> Verification:
        """Succeeds while the threads run without an error; Connecting is not settled."""
        status = replica_status(db)
        lag = "lag unknown" if status.lag is None else f"{status.lag:g} s behind"
        if self._runs(status):
            return Verification(ok=True, says=f"The {thread_title(self.thread)} of {db.address} is running, {lag}.")
        failed = next(((t, errno, error) for t, errno, error in self._stopped(status) if errno), None)
        if failed is not None:
            thread, errno, error = failed
            return Verification(ok=False, says=f"The {thread} of {db.address} stopped again: error {errno} ({error}).")
        why = f" (error {status.receiver_errno}: {status.receiver_error})" if status.receiver_errno else ""
        return Verification(
            ok=False, says=f"The {thread_title(self.thread)} of {db.address} is not running yet{why}.", settled=False
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """STOP REPLICA, for the same threads."""
        yield self._statement("STOP", replica_status(db), db.version)

    def _stopped(self, status: ReplicaStatus) -> list[tuple[str, int, str]]:
        """Returns the threads to be started that are not running, with their errors; a connecting thread counts as
        running."""
        found = []
        if self.thread != "receiver" and status.applier_running == "No":
            found.append(("applier", status.applier_errno, status.applier_error))
        if self.thread != "applier" and status.receiver_running == "No":
            found.append(("receiver", status.receiver_errno, status.receiver_error))
        return found

    def _runs(self, status: ReplicaStatus) -> bool:
        applier = self.thread == "receiver" or status.applier_running == "Yes"
        receiver = self.thread == "applier" or status.receiver_running == "Yes"
        return applier and receiver

    def _statement(self, verb: str, status: ReplicaStatus, version: ServerVersion) -> Statement:
        """Returns the statement; a named channel comes last in MySQL, first in MariaDB."""
        noun = replica(version)
        thread = thread_clause(self.thread)
        if not status.channel:
            return statement(f"{verb} {noun}{thread}")
        if version.is_mariadb:
            return statement(f"{verb} {noun} {{}}{thread}", status.channel)
        return statement(f"{verb} {noun}{thread} FOR CHANNEL {{}}", status.channel)
