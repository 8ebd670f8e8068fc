"""Removes binary logs that no replica needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Bytes, Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.binary_logs import MOST_LOGS, log_sizes
from actions.diagnostics.mysql.connected_replicas import connected_replicas
from actions.sql_quoting import statement

KEPT = 3
"""Files that are always kept."""
_LOG = re.compile(r"[\w.-]{1,200}\.\d{6,10}")


@dataclass(frozen=True)
class PurgeBinaryLogs(Remediation):
    """Removes the logs before `to`, but none that a replica of the inventory may still need, connected or not."""

    to: str
    """The oldest log that is kept."""
    replicas_need: tuple[str, ...]
    """For each replica of the inventory, the oldest log of this server that it may still request."""
    replicas: int
    """How many replicas the inventory has; the log that each needs must be known."""

    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: (
            "PROCESS",
            "REPLICATION CLIENT",
            "SELECT ON performance_schema.*",
            "BINLOG_ADMIN",
        ),
        Flavour.MARIADB: ("PROCESS", "BINLOG MONITOR", "BINLOG ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses if a replica's need is unknown or not met, an unknown reader is connected, or too few logs would
        remain."""
        if not _LOG.fullmatch(self.to):
            raise Refused(f"{self.to[:60]!r} is not the name of a binary log.")
        needed = [log for log in self.replicas_need if log]
        if len(needed) < self.replicas:
            raise Refused(
                f"Only {len(needed)} of {self.replicas} replicas of {db.address} reported which log they need. A "
                "replica that does not answer still needs its logs; wait for it, or rebuild it afterwards."
            )
        logs = list(log_sizes(db))
        if len(logs) > MOST_LOGS:
            raise Refused(
                f"{db.address} has more than {MOST_LOGS:,} binary logs, and the newest were not read. Purge the oldest "
                "by hand after you have checked which log each replica needs."
            )
        if self.to not in logs:
            raise Refused(f"{db.address} has no log {self.to}; it has {logs[0] if logs else 'none'} and later ones.")
        behind = [log for log in needed if log not in logs or logs.index(log) < logs.index(self.to)]
        if behind:
            raise Refused(f"A replica of {db.address} still needs {min(behind)}, which is before {self.to}.")
        if len(logs) - logs.index(self.to) < KEPT:
            raise Refused(f"Fewer than {KEPT} of {len(logs)} logs would remain; purge to an older log.")
        if logs.index(self.to) == 0:
            raise Refused(f"{self.to} is the oldest log of {db.address}; there is nothing to purge.")
        readers = connected_replicas(db)
        if readers.count > self.replicas:
            raise Refused(
                f"{readers.count} sessions read the binary log of {db.address}, but the inventory has {self.replicas} "
                f"replicas. Find out what else reads it (users {', '.join(readers.users)}), and which logs it needs."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """PURGE BINARY LOGS TO, which itself spares only logs that a connected replica is reading."""
        yield statement("PURGE BINARY LOGS TO {}", self.to)

    def cost(self, db: MySQL) -> str:
        """What is removed, and what it was needed for."""
        sizes = log_sizes(db)
        names = list(sizes)
        gone = names[: names.index(self.to)] if self.to in names else []
        size: Bytes = sum(sizes[name] for name in gone)
        return (
            f"{len(gone)} logs before {self.to} are removed, {size / 2**20:,.0f} MiB. A point-in-time restore to a "
            "time that they cover needs their copies from the backup."
        )

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when `to` is the oldest log."""
        oldest = next(iter(log_sizes(db)), "")
        return Verification(ok=oldest == self.to, says=f"The oldest binary log of {db.address} is {oldest}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: removed logs cannot be restored."""
        raise NoUndo("removed logs cannot be restored; a replica that needs them must be rebuilt")
