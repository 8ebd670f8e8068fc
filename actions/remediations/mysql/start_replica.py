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
    Statement,
    Verification,
)
from actions.diagnostics.mysql.applier_blockers import applier_blockers, gives_up_after
from actions.replication_channels import ReplicaStatus
from actions.replication_receiver_errors import INSTEAD as INSTEAD_OF_RECEIVER
from actions.replication_threads import (
    ReplicationThread,
    standing_threads,
    status_of_channel,
    thread_statement,
    thread_title,
)

LOCK_WAIT_TIMEOUT = 1205
RETRYABLE = frozenset({1040, 1158, 1159, 1160, 1161, LOCK_WAIT_TIMEOUT, 1213, 2003, 2013, 3032})
"""Transient errors: too many connections, network reads and writes, lock wait timeout, deadlock, and a source that
could not be reached, or was in offline mode, for a while."""

INSTEAD = {
    1032: "row not found: the data of the replica differ; compare the row with the source, then rebuild the replica",
    1062: "the row already exists: someone wrote to the replica, or its data differ; compare the row with the source",
    1045: "the source refuses the replication user: fix its password or its grants first",
    1872: "the relay log cannot be initialized: reset the replica's relay logs and point it at the source again",
    13121: (
        "the relay log is damaged: reset the replica's relay logs; with GTID auto-positioning nothing is lost if the "
        "source still has the binary logs"
    ),
    1950: "a transaction written on the replica is out of order with those of the source; find that write first",
}
SETTLED_BY = 1.0
"""Seconds between two looks at the applied position, longer than MySQL takes to update it (0.3 s by default,
replica_checkpoint_period)."""


@dataclass(frozen=True)
class StartReplica(Remediation):
    """Starts the applier, the receiver, or both, of one channel."""

    thread: ReplicationThread = "both"
    """Which threads are started."""
    channel: str = ""
    """The channel, which MariaDB calls the connection; '' for the default channel, or the only one of the server."""
    stopped_by_hand_too: bool = False
    """Whether to start threads that stopped without an error, which someone may have stopped on purpose."""

    risk: ClassVar[Risk] = Risk.REVERSIBLE
    under_vitess: ClassVar[str] = "vitess.start_replication"
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "REPLICATION CLIENT", "SELECT ON performance_schema.*", "REPLICATION_SLAVE_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "SLAVE MONITOR", "REPLICATION SLAVE ADMIN"),
    }
    settles_within: ClassVar[float] = 30.0
    holds_for: ClassVar[float] = 2.5
    """Longer than an applier takes to fail with the same error again."""

    def check(self, db: MySQL) -> None:
        """Refuses what does not replicate, runs already, was stopped by hand, or stopped for a lasting reason.

        An applier that gave up on a lock is not started while a transaction is open that may hold it.
        """
        status = status_of_channel(db, self.channel)
        if not status.configured:
            raise Refused(f"{db.address} is not configured to replicate; there is nothing to start.")
        stopped = self._stopped(status)
        what = f"{thread_title(self.thread)}{status.of_channel} of {db.address}"
        if not stopped and self._runs(status):
            raise Refused(f"The {what} is already running. {DIAGNOSE_AGAIN}")
        if not stopped:
            raise Refused(
                f"The receiver{status.of_channel} of {db.address} is started and trying to connect (error "
                f"{status.receiver_errno}: {status.receiver_error}); starting it again has no effect. Check the source "
                "and the network."
            )
        for thread, errno, error in stopped:
            if errno and errno not in RETRYABLE:
                found = INSTEAD_OF_RECEIVER.get(status.receiver_problem) if thread == "receiver" else None
                instead = found or INSTEAD.get(errno, "find out its cause before you start the thread")
                raise Refused(
                    f"Error {errno} of the {thread}{status.of_channel} of {db.address} is not transient ({error}): "
                    f"{instead}."
                )
            if not errno and not self.stopped_by_hand_too:
                raise Refused(
                    f"The {thread}{status.of_channel} of {db.address} stopped without an error: a person or a tool "
                    "stopped it, or the server started with skip_replica_start. Ask who is working on it before you "
                    "start it."
                )
            if thread == "applier" and errno == LOCK_WAIT_TIMEOUT:
                _refuse_while_blocked(db)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """START REPLICA, for this channel alone."""
        yield thread_statement("START", self.thread, status_of_channel(db, self.channel), db.version)

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once the threads run and the applier gets on: everything is applied, or more than a second ago.

        An applier that waits for a lock runs without an error for innodb_lock_wait_timeout in each of its attempts. So
        one that runs but does not get on is not settled, and what becomes of it is not known. Connecting is not
        settled, either.
        """
        status = status_of_channel(db, self.channel)
        lag = "lag unknown" if status.lag is None else f"{status.lag:g} s behind"
        what = f"{thread_title(self.thread)}{status.of_channel} of {db.address}"
        if self._runs(status):
            if self.thread == "receiver" or status.up_to_date or self._gets_on(db, status):
                return Verification(ok=True, says=f"The {what} is running, {lag}.")
            return Verification(ok=False, says=_stands(what, status, gives_up_after(db)), settled=False, known=False)
        failed = next(((t, errno, error) for t, errno, error in self._stopped(status) if errno), None)
        if failed is not None:
            thread, errno, error = failed
            says = f"The {thread}{status.of_channel} of {db.address} stopped again: error {errno} ({error})."
            return Verification(ok=False, says=says)
        why = f" (error {status.receiver_errno}: {status.receiver_error})" if status.receiver_errno else ""
        return Verification(ok=False, says=f"The {what} is not running yet{why}.", settled=False)

    def still_made(self, db: MySQL) -> Verification:
        """Succeeds while the threads run, whether the applier gets on or not."""
        status = status_of_channel(db, self.channel)
        what = f"{thread_title(self.thread)}{status.of_channel} of {db.address}"
        runs = self._runs(status)
        return Verification(ok=runs, says=f"The {what} is {'running' if runs else 'not running'}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """STOP REPLICA, for the threads of this channel that are stopped now."""
        status = status_of_channel(db, self.channel)
        yield thread_statement("STOP", standing_threads(self.thread, status) or self.thread, status, db.version)

    def _gets_on(self, db: MySQL, before: ReplicaStatus) -> bool:
        """Whether the applied position moves; it stands at a transaction until that is applied."""
        db.pause(SETTLED_BY)
        after = status_of_channel(db, self.channel)
        return self._runs(after) and (after.up_to_date or after.applied_until != before.applied_until)

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


def _refuse_while_blocked(db: MySQL) -> None:
    """Raises Refused while a transaction is open that may hold the lock on which the applier gave up."""
    found = applier_blockers(db)
    if found.blockers:
        raise Refused(
            f"The applier of {db.address} gave up on a row lock, and {found.says} may still hold it: started now, the "
            "applier would stop again. Let the transaction end, or end it, and diagnose again."
        )


def _stands(what: str, status: ReplicaStatus, patience: float) -> str:
    """Returns the sentence for an applier that runs and does not get on."""
    until = f"; if it waits for a lock, it gives up after up to {patience:g} s" if patience else ""
    at = f" at {status.applied_until}" if status.applied_until else ""
    return (
        f"The {what} is running, but it is not known whether it gets on: it stands{at}, before a transaction that is "
        f"large or waits for a lock{until}. Look again then."
    )
