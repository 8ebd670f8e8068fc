"""How full the redo log is, and how fast it fills."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.contract import Bytes, Cost, Count, Flavour, MySQL, Percent, Seconds, diagnostic
from actions.ratios import percent
from actions.status_counters import number, status, variables

_LSN = re.compile(r"Log sequence number\s+(\d+)")
_CHECKPOINT = re.compile(r"Last checkpoint at\s+(\d+)")


@dataclass(frozen=True, slots=True)
class RedoLog:
    """The redo log, and what was written to it during the sample."""

    capacity: Bytes = 0
    """Bytes that can be written before a checkpoint is required; MariaDB keeps a part of its file free."""
    configured: Bytes = 0
    """innodb_redo_log_capacity, or innodb_log_file_size on servers that use it."""
    checkpoint_age: Bytes = 0
    """Bytes written to the log whose pages are not yet flushed."""
    used: Percent = 0.0
    """The checkpoint age as a share of the capacity; near 100 percent every write waits for page flushing."""
    waits: Count = 0
    """Waits for the log buffer since the server started (Innodb_log_waits)."""
    over: Seconds = 0.0
    """Time between the two samples."""
    written: Bytes = 0
    """Bytes written between the two samples."""

    @property
    def lasts(self) -> Seconds | None:
        """Time in which the whole log is written once at this rate; empty if nothing was written."""
        return round(self.capacity * self.over / self.written, 1) if self.written and self.over else None


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def redo_log(db: MySQL, *, over: Seconds = 1.0) -> RedoLog:
    """Samples the log sequence numbers twice, `over` seconds apart.

    MySQL has them as status counters since 8.0.30, with innodb_redo_log_capacity; before, they are parsed from SHOW
    ENGINE INNODB STATUS. MariaDB has Innodb_checkpoint_age and its own maximum.
    """
    names = ("innodb_redo_log_capacity", "innodb_log_file_size", "innodb_log_files_in_group")
    has = variables(db, *names)
    configured = number(has, *names[:2])
    capacity = number(has, names[0]) or configured * max(1, number(has, names[2]))
    first, _, _ = _read_position(db)
    db.pause(over)
    lsn, age, told = _read_position(db)
    waits = number(status(db, "Innodb_log_waits"), "Innodb_log_waits")
    capacity = told or capacity
    return RedoLog(
        capacity=capacity,
        configured=configured,
        checkpoint_age=age,
        used=percent(age, capacity),
        waits=waits,
        over=over,
        written=max(0, lsn - first),
    )


def _read_position(db: MySQL) -> tuple[int, int, int]:
    """Returns the log sequence number, the checkpoint age, and the maximum age if the server reports it (else 0)."""
    if db.version.is_mariadb:
        now = status(db, "Innodb_lsn_current", "Innodb_checkpoint_age", "Innodb_checkpoint_max_age")
        most = number(now, "Innodb_checkpoint_max_age")
        return number(now, "Innodb_lsn_current"), number(now, "Innodb_checkpoint_age"), most
    if db.version.at_least(8, 0, 30):
        now = status(db, "Innodb_redo_log_current_lsn", "Innodb_redo_log_checkpoint_lsn")
        lsn = number(now, "Innodb_redo_log_current_lsn")
        return lsn, max(0, lsn - number(now, "Innodb_redo_log_checkpoint_lsn")), 0
    rows = db.rows("SHOW ENGINE INNODB STATUS")
    text = str(rows[0]["Status"]) if rows else ""
    lsn, checkpoint = (int(found[1]) if (found := pattern.search(text)) else 0 for pattern in (_LSN, _CHECKPOINT))
    return lsn, max(0, lsn - checkpoint), 0
