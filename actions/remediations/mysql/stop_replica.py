"""Stops the threads of a replica."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.replica_status import ReplicaStatus, replica_status
from actions.replication_threads import ReplicationThread, thread_clause, thread_title
from actions.server_versions import replica
from actions.sql_quoting import statement


@dataclass(frozen=True)
class StopReplica(Remediation):
    """Stops the applier, the receiver or both; the replica serves its present data until it is started again."""

    thread: ReplicationThread = "both"
    """Which threads are stopped."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    under_vitess: ClassVar[str] = (
        "VTOrc restarts the replication of a tablet within seconds. Take the tablet out of service instead "
        "(vtctldclient ChangeTabletType ALIAS DRAINED)."
    )
    settles_within: ClassVar[float] = 20.0
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("REPLICATION CLIENT", "SELECT ON performance_schema.*", "REPLICATION_SLAVE_ADMIN"),
        Flavour.MARIADB: ("SLAVE MONITOR", "REPLICATION SLAVE ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a server that does not replicate, or whose threads are already stopped."""
        status = replica_status(db)
        if not status.configured:
            raise Refused(f"{db.address} does not replicate; there is nothing to stop.")
        if not self._running(status):
            raise Refused(f"The {thread_title(self.thread)} of {db.address} is not running; there is nothing to stop.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """STOP REPLICA, for these threads."""
        yield self._statement("STOP", db)

    def cost(self, db: MySQL) -> str:
        """What the replica no longer does."""
        return f"{db.address} falls behind until it is started again, and acknowledges no commits."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once none of the threads runs; a transaction under way may delay the applier."""
        status = replica_status(db)
        if self._running(status):
            return Verification(
                ok=False, says=f"The {thread_title(self.thread)} of {db.address} is still running.", settled=False
            )
        return Verification(ok=True, says=f"The {thread_title(self.thread)} of {db.address} is stopped.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """START REPLICA, for the threads that run now."""
        yield self._statement("START", db)

    @property
    def takes_out(self) -> bool:
        """It no longer follows its source, and acknowledges nothing."""
        return True

    def _running(self, status: ReplicaStatus) -> bool:
        applier = self.thread != "receiver" and status.applier_running == "Yes"
        receiver = self.thread != "applier" and status.receiver_running != "No"
        return applier or receiver

    def _statement(self, verb: str, db: MySQL) -> Statement:
        thread = thread_clause(self.thread)
        return statement(f"{verb} {replica(db.version)}{thread}")
