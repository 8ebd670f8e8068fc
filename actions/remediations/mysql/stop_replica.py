"""Stops the threads of a replica."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Flavour, Grants, MySQL, Refused, Remediation, Risk, Statement, Verification
from actions.replication_threads import (
    ReplicationThread,
    running_threads,
    status_of_channel,
    thread_statement,
    thread_title,
)


@dataclass(frozen=True)
class StopReplica(Remediation):
    """Stops the applier, the receiver or both of one channel; the replica serves its present data until a start."""

    thread: ReplicationThread = "both"
    """Which threads are stopped."""
    channel: str = ""
    """The channel, which MariaDB calls the connection; '' for the default channel, or the only one of the server."""

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
        status = status_of_channel(db, self.channel)
        if not status.configured:
            raise Refused(f"{db.address} does not replicate; there is nothing to stop.")
        if running_threads(self.thread, status) is None:
            what = f"{thread_title(self.thread)}{status.of_channel} of {db.address}"
            raise Refused(f"The {what} is not running; there is nothing to stop.")

    def change(self, db: MySQL) -> Iterator[Statement]:
        """STOP REPLICA, for these threads of this channel alone."""
        yield thread_statement("STOP", self.thread, status_of_channel(db, self.channel), db.version)

    def cost(self, db: MySQL) -> str:
        """What the replica no longer does."""
        return f"{db.address} falls behind until it is started again, and acknowledges no commits."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds once none of the threads runs; a transaction under way may delay the applier."""
        status = status_of_channel(db, self.channel)
        what = f"{thread_title(self.thread)}{status.of_channel} of {db.address}"
        if running_threads(self.thread, status) is not None:
            return Verification(ok=False, says=f"The {what} is still running.", settled=False)
        return Verification(ok=True, says=f"The {what} is stopped.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """START REPLICA, for the threads of this channel that run now; what stands already is not started."""
        status = status_of_channel(db, self.channel)
        yield thread_statement("START", running_threads(self.thread, status) or self.thread, status, db.version)

    @property
    def takes_out(self) -> bool:
        """It no longer follows its source, and acknowledges nothing."""
        return True
