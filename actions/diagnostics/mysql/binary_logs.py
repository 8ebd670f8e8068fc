"""How much binary log a server keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.status_counters import number, on, variables

DAY = 86_400


@dataclass(frozen=True, slots=True)
class BinaryLogs:
    """The binary log files of a server."""

    enabled: bool = False
    """Whether the server writes a binary log; if not, the other fields have their defaults."""
    logs: Count = 0
    """The number of files."""
    size: Bytes = 0
    """The size of all files together."""
    oldest: str = ""
    """The name of the oldest file."""
    newest: str = ""
    """The name of the newest file, which is being written."""
    before_newest: str = ""
    """The third newest file; a purge up to it leaves three files. '' if there are fewer."""
    purgeable: Bytes = 0
    """The size of all files except the three newest."""
    expire_after: Seconds = 0.0
    """Age at which the server removes a file; 0 means never."""
    written: Bytes = 0
    """Bytes written during the one-second sample."""


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.MYSQL: ("REPLICATION CLIENT",), Flavour.MARIADB: ("BINLOG MONITOR",)})
def binary_logs(db: MySQL) -> BinaryLogs:
    """Reads SHOW BINARY LOGS twice, a second apart, which opens each file's header, and the expiry setting."""
    has = variables(db, "log_bin", "binlog_expire_logs_seconds", "expire_logs_days")
    if not on(has, "log_bin"):
        return BinaryLogs()
    before = log_sizes(db)
    db.pause(1.0)
    now = log_sizes(db)
    names = list(now)
    return BinaryLogs(
        enabled=True,
        logs=len(now),
        size=sum(now.values()),
        oldest=names[0] if names else "",
        newest=names[-1] if names else "",
        before_newest=names[-3] if len(names) >= 3 else "",
        purgeable=sum(list(now.values())[:-3]),
        expire_after=float(number(has, "binlog_expire_logs_seconds") or number(has, "expire_logs_days") * DAY),
        written=max(0, sum(size - before.get(name, 0) for name, size in now.items())),
    )


def log_sizes(db: MySQL) -> dict[str, int]:
    """Returns the size in bytes of each binary log by its name, the oldest first."""
    return {str(row["Log_name"]): int(row["File_size"]) for row in db.rows("SHOW BINARY LOGS", limit=1000)}
