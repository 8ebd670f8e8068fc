"""How much binary log a server keeps, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.status_counters import number, on, variables

DAY = 86_400
MOST_LOGS = 20_000
"""Files that are read; a server with more of them keeps more than 20 TB at the default size of a file."""


@dataclass(frozen=True, slots=True)
class BinaryLogs:
    """The binary log files of a server."""

    EXACT: ClassVar[tuple[str, ...]] = ("enabled", "oldest", "newest", "before_newest", "expire_after", "expiry_off")

    enabled: bool = False
    """Whether the server writes a binary log; if not, the other fields have their defaults."""
    logs: Count = 0
    """The number of files."""
    size: Bytes = 0
    """The size of all files together."""
    oldest: str = ""
    """The name of the oldest file."""
    newest: str = ""
    """The name of the newest file, which is being written; '' if not all files were read."""
    before_newest: str = ""
    """The third newest file; a purge up to it leaves three files. '' if there are fewer, or if not all were read."""
    purgeable: Bytes = 0
    """The size of all files except the three newest."""
    expire_after: Seconds = 0.0
    """Age at which the server removes a file; 0 means never."""
    expiry_off: bool = False
    """Whether binlog_expire_logs_auto_purge is OFF (MySQL 8.0.29 and later): no file is removed, whatever its age."""
    written: Bytes = 0
    """Bytes written during the one-second sample."""
    complete: bool = True
    """False if the server has more than 20,000 files; then `logs`, `size` and `purgeable` are at least that much."""


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.MYSQL: ("REPLICATION CLIENT",), Flavour.MARIADB: ("BINLOG MONITOR",)})
def binary_logs(db: MySQL) -> BinaryLogs:
    """Reads SHOW BINARY LOGS twice, a second apart, and the settings of the expiry.

    The server opens each file's header for it, and rotates no file meanwhile.
    """
    expiry = ("binlog_expire_logs_seconds", "expire_logs_days")
    has = variables(db, "log_bin", "binlog_expire_logs_auto_purge", *expiry)
    if not on(has, "log_bin"):
        return BinaryLogs()
    before = log_sizes(db)
    db.pause(1.0)
    now = log_sizes(db)
    names = list(now)
    complete = len(names) <= MOST_LOGS
    expiry_off = "binlog_expire_logs_auto_purge" in has and not on(has, "binlog_expire_logs_auto_purge")
    kept = 0.0 if expiry_off else float(number(has, expiry[0]) or number(has, expiry[1]) * DAY)
    return BinaryLogs(
        enabled=True,
        logs=len(now),
        size=sum(now.values()),
        oldest=names[0] if names else "",
        newest=names[-1] if names and complete else "",
        before_newest=names[-3] if len(names) >= 3 and complete else "",
        purgeable=sum(list(now.values())[:-3]),
        expire_after=kept,
        expiry_off=expiry_off,
        written=sum(max(0, size - before.get(name, 0)) for name, size in now.items()) if complete else 0,
        complete=complete,
    )


def log_sizes(db: MySQL) -> dict[str, int]:
    """Returns the size in bytes of each binary log by its name, the oldest first; one more than MOST_LOGS if there are
    more."""
    return {str(row["Log_name"]): int(row["File_size"]) for row in db.rows("SHOW BINARY LOGS", limit=MOST_LOGS + 1)}
