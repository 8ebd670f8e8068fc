"""Removes binary logs that nobody needs any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Bytes, Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.diagnostics.mysql.binary_logs import log_sizes
from actions.diagnostics.mysql.connected_replicas import connected_replicas
from actions.sql_quoting import statement

KEPT = 3
"""Files that always stay."""
_LOG = re.compile(r"[\w.-]{1,200}\.\d{6,10}")


@dataclass(frozen=True)
class PurgeBinaryLogs(Remediation):
    """Removes the logs before one, never past what any known replica still reads, connected or not."""

    to: str
    """The oldest log that stays."""
    replicas_need: tuple[str, ...]
    """For each replica of the inventory the oldest log of this server that it may still ask for."""
    replicas: int
    """How many replicas the inventory knows; of each of them it must be known what it needs."""

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
        """Refuses where a replica's need is unknown or would be cut, a stranger reads along, or few logs would stay."""
        if not _LOG.fullmatch(self.to):
            raise Refused(f"{self.to[:60]!r} is not the name of a binary log.")
        needed = [log for log in self.replicas_need if log]
        if len(needed) < self.replicas:
            raise Refused(
                f"Of {self.replicas} replicas of {db.address} only {len(needed)} told which log they need. One that "
                "does not answer still needs its logs; wait for it, or rebuild it afterwards."
            )
        logs = list(log_sizes(db))
        if self.to not in logs:
            raise Refused(f"{db.address} has no log {self.to}; it has {logs[0] if logs else 'none'} and later ones.")
        behind = [log for log in needed if log not in logs or logs.index(log) < logs.index(self.to)]
        if behind:
            raise Refused(f"A replica of {db.address} still needs {min(behind)}, which is before {self.to}.")
        if len(logs) - logs.index(self.to) < KEPT:
            raise Refused(f"Of {len(logs)} logs fewer than {KEPT} would stay; purge to an older one.")
        if logs.index(self.to) == 0:
            raise Refused(f"{self.to} is the oldest log of {db.address}; there is nothing to purge.")
        readers = connected_replicas(db)
        if readers.count > self.replicas:
            raise Refused(
                f"{readers.count} sessions read the binary log of {db.address}, and the inventory knows "
                f"{self.replicas} replicas. Find out who else reads it ({', '.join(readers.users)}), and what it needs."
            )

    def change(self, db: MySQL) -> Iterator[Statement]:
        """PURGE BINARY LOGS TO, which spares only what a connected replica reads at this moment."""
        yield statement("PURGE BINARY LOGS TO {}", self.to)

    def cost(self, db: MySQL) -> str:
        """What is removed, and what it was good for."""
        sizes = log_sizes(db)
        names = list(sizes)
        gone = names[: names.index(self.to)] if self.to in names else []
        size: Bytes = sum(sizes[name] for name in gone)
        return (
            f"{len(gone)} logs before {self.to} are removed, {size / 2**20:,.0f} MiB. A restore to a moment before "
            "them needs their copies from the backup."
        )

    def verify(self, db: MySQL) -> Verification:
        """Good when the oldest log is the one that was named."""
        oldest = next(iter(log_sizes(db)), "")
        return Verification(ok=oldest == self.to, says=f"The oldest binary log of {db.address} is {oldest}.")

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """What is removed is gone."""
        raise NoUndo("removed logs are gone; a replica that needs them must be rebuilt")
