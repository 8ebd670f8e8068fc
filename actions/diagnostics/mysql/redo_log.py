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
    """The redo log, and what was written to it while one looked."""

    capacity: Bytes = 0
    """What may be written before a checkpoint must be; MariaDB keeps a part of its file free."""
    configured: Bytes = 0
    """innodb_redo_log_capacity, or innodb_log_file_size where that is what counts."""
    checkpoint_age: Bytes = 0
    """What is written to the log and not yet to the tables."""
    used: Percent = 0.0
    """Of the capacity; near 100 every write waits for pages to be flushed."""
    waits: Count = 0
    """Times since the start that a write waited for the log's buffer (Innodb_log_waits)."""
    over: Seconds = 0.0
    written: Bytes = 0
    """While one looked."""

    @property
    def lasts(self) -> Seconds | None:
        """Seconds in which the whole log is written once at this pace; None where nothing is written."""
        return round(self.capacity * self.over / self.written, 1) if self.written and self.over else None


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("PROCESS",), Flavour.MARIADB: ("PROCESS",)})
def redo_log(db: MySQL, *, over: Seconds = 1.0) -> RedoLog:
    """Reads log sequence numbers twice.

    MySQL tells them as status since 8.0.30, where innodb_redo_log_capacity came; before, SHOW ENGINE INNODB STATUS
    does. MariaDB has Innodb_checkpoint_age and its own maximum.
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
    """Log sequence number, age of the checkpoint, and the greatest age where the server tells it (else 0)."""
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
