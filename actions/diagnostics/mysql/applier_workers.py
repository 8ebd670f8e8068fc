"""What the applier's workers are doing, and where they failed."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Flavour, MySQL, Seconds, diagnostic
from actions.redaction import redact_error


@dataclass(frozen=True, slots=True)
class ApplierWorker:
    """One worker of the applier."""

    id: int
    """Its number; 0 where it has ended and the server gives none."""
    running: bool
    errno: int
    error: str
    applying: str
    """GTID of the transaction that it applies, or ''."""
    applying_for: Seconds
    """Seconds since it began that transaction; 0 when it applies none."""


@dataclass(frozen=True, slots=True)
class ApplierWorkers:
    """All workers of all channels."""

    known: bool = False
    """False where the server keeps no account of its workers, or has none; `note` says which."""
    workers: tuple[ApplierWorker, ...] = ()
    busiest_for: Seconds = 0.0
    """Seconds that the longest transaction has been applied for."""

    note: str = ""
    """What the server does not tell, in a sentence; '' where it tells all."""

    @property
    def error(self) -> str:
        """What the workers that failed say, which is more than their coordinator does; '' where none failed."""
        return "; ".join(worker.error for worker in self.workers if worker.errno)


MYSQL = """
SELECT WORKER_ID AS id, SERVICE_STATE AS state, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error,
       APPLYING_TRANSACTION AS applying,
       COALESCE(GREATEST(TIMESTAMPDIFF(SECOND, APPLYING_TRANSACTION_START_APPLY_TIMESTAMP, NOW(6)), 0), 0) AS age
  FROM performance_schema.replication_applier_status_by_worker
"""
OLDER = """
SELECT WORKER_ID AS id, SERVICE_STATE AS state, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error,
       '' AS applying, 0 AS age
  FROM performance_schema.replication_applier_status_by_worker
"""
MARIADB = """
SELECT THREAD_ID AS id, SERVICE_STATE AS state, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error,
       '' AS applying, 0 AS age
  FROM performance_schema.replication_applier_status_by_worker
 WHERE @@GLOBAL.slave_parallel_threads > 0
"""
NO_WORKERS = "No workers: this server does not replicate, or a single thread applies (see replica_status)."
NO_TRANSACTIONS = "This version does not tell which transaction a worker applies."


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def applier_workers(db: MySQL) -> ApplierWorkers:
    """Reads performance_schema.replication_applier_status_by_worker.

    MariaDB fills it once slave_parallel_threads is above 0, and keeps the rows of workers that ended, errors and all,
    when it is 0 again. It has no WORKER_ID there, and gives the last transaction seen instead of the one being applied;
    so states and errors alone are read of it, and of MySQL 5.7.
    """
    full = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    rows = db.rows(MYSQL if full else MARIADB if db.version.is_mariadb else OLDER, limit=256)
    workers = tuple(
        ApplierWorker(
            id=int(row["id"] or 0),
            running=row["state"] == "ON",
            errno=int(row["errno"]),
            error=redact_error(row["error"]),
            applying=str(row["applying"] or ""),
            applying_for=float(row["age"]) if row["applying"] else 0.0,
        )
        for row in rows
    )
    if not workers:
        return ApplierWorkers(note=NO_WORKERS)
    return ApplierWorkers(True, workers, max(w.applying_for for w in workers), "" if full else NO_TRANSACTIONS)
