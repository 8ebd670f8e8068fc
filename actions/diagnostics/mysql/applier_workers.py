"""What the applier's workers are doing, and where they failed."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Flavour, MySQL, Seconds, Unreadable, diagnostic
from actions.text import redact_error


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker of the applier."""

    id: int
    running: bool
    errno: int
    error: str
    applying: str
    """GTID of the transaction that it applies, or ''."""
    applying_for: Seconds
    """Seconds since it began that transaction; 0 when it applies none."""


@dataclass(frozen=True, slots=True)
class ApplierWorkers:
    """All workers; `known` is False where the server keeps no account of them."""

    known: bool = False
    workers: tuple[Worker, ...] = ()
    busiest_for: Seconds = 0.0
    """Seconds that the longest transaction has been applied for."""


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


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def applier_workers(db: MySQL) -> ApplierWorkers:
    """Reads performance_schema.replication_applier_status_by_worker.

    MariaDB has the table, without rows as long as its applier is not parallel; it names the transaction under other
    columns, so only states and errors are read there.
    """
    known = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    try:
        rows = db.rows(MYSQL if known else OLDER, limit=256)
    except Unreadable:
        if known:
            raise
        return ApplierWorkers()
    workers = tuple(
        Worker(
            id=int(row["id"]),
            running=row["state"] == "ON",
            errno=int(row["errno"]),
            error=redact_error(row["error"]),
            applying=str(row["applying"] or ""),
            applying_for=float(row["age"]) if row["applying"] else 0.0,
        )
        for row in rows
    )
    return ApplierWorkers(bool(workers), workers, max((w.applying_for for w in workers), default=0.0))
