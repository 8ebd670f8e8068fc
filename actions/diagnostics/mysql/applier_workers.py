"""What the applier's workers are doing, and where they failed."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Flavour, MySQL, Seconds, Unreadable, diagnostic
from actions.statement_redaction import redact_error


@dataclass(frozen=True, slots=True)
class ApplierWorker:
    """One worker of the applier."""

    id: int
    """Its number; 0 if it has ended and the server gives none."""
    running: bool
    errno: int
    """The number of its last error; 0 for none."""
    error: str
    """Its last error, without the values that it quotes."""
    applying: str
    """The GTID of the transaction that it applies; '' if none."""
    applying_for: Seconds
    """Time since it began that transaction; 0 if it applies none."""


@dataclass(frozen=True, slots=True)
class ApplierWorkers:
    """The workers of one channel, or of all."""

    known: bool = False
    """False if the server does not report its workers, or has none; `note` says which."""
    workers: tuple[ApplierWorker, ...] = ()
    """The workers; 1000 at most."""
    busiest_for: Seconds = 0.0
    """Time for which the longest-running transaction has been applied."""

    note: str = ""
    """What the server does not report, in a sentence; '' if it reports everything."""

    @property
    def error(self) -> str:
        """The errors of the workers that failed, which are more precise than the coordinator's; '' if none failed."""
        return "; ".join(worker.error for worker in self.workers if worker.errno)


MYSQL = """
SELECT WORKER_ID AS id, SERVICE_STATE AS state, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error,
       APPLYING_TRANSACTION AS applying,
       COALESCE(GREATEST(TIMESTAMPDIFF(SECOND, APPLYING_TRANSACTION_START_APPLY_TIMESTAMP, NOW(6)), 0), 0) AS age
  FROM performance_schema.replication_applier_status_by_worker
 WHERE (%s OR CHANNEL_NAME = %s)
"""
OLDER = """
SELECT WORKER_ID AS id, SERVICE_STATE AS state, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error,
       '' AS applying, 0 AS age
  FROM performance_schema.replication_applier_status_by_worker
 WHERE (%s OR CHANNEL_NAME = %s)
"""
MARIADB = """
SELECT THREAD_ID AS id, SERVICE_STATE AS state, LAST_ERROR_NUMBER AS errno, LAST_ERROR_MESSAGE AS error,
       '' AS applying, 0 AS age
  FROM performance_schema.replication_applier_status_by_worker
 WHERE @@GLOBAL.slave_parallel_threads > 0 AND (%s OR CHANNEL_NAME = %s)
"""
NO_WORKERS = "No workers: this server does not replicate, or has a single applier thread (see mysql.replica_status)."
NO_TRANSACTIONS = "This version does not report which transaction a worker applies."


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def applier_workers(db: MySQL, *, channel: str | None = None) -> ApplierWorkers:
    """Reads performance_schema.replication_applier_status_by_worker, of `channel` ('' is the default one) or of all.

    MariaDB fills the table once slave_parallel_threads is above 0, and keeps the rows of ended workers with their
    errors when it is 0 again. MariaDB has no WORKER_ID, and gives the last transaction seen instead of the one being
    applied. So only states and errors are read from it, and from MySQL 5.7. Raises Unreadable if MariaDB has parallel
    workers and no performance_schema; MySQL fills the table also without.
    """
    if db.version.is_mariadb and not db.version.performance_schema:
        parallel = int(db.rows("SELECT @@GLOBAL.slave_parallel_threads AS threads")[0]["threads"])
        if parallel > 0:
            raise Unreadable(
                f"The {parallel} parallel workers of {db.address} are unknown, since its performance_schema is off."
            )
    full = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    read = MYSQL if full else MARIADB if db.version.is_mariadb else OLDER
    rows = db.rows(read, (channel is None, channel or ""), limit=1000)
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
