"""Which transactions were prepared by a coordinator that never came back."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic


@dataclass(frozen=True, slots=True)
class OrphanedTransaction:
    """A prepared transaction that no session holds: it keeps its locks until somebody decides it."""

    age: Seconds
    rows_locked: Count
    rows_modified: Count
    started: str


@dataclass(frozen=True, slots=True)
class PreparedTransactions:
    """Prepared transactions, the oldest first."""

    xids: tuple[str, ...] = ()
    """Their ids, as XA COMMIT and XA ROLLBACK take them: `gtrid`, `bqual` in hexadecimal, and the format."""
    orphans: tuple[OrphanedTransaction, ...] = ()
    """Those that no session holds."""
    oldest: Seconds = 0.0


ORPHANS = """
SELECT trx_started AS started, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS age, trx_rows_locked AS locked,
       trx_rows_modified AS modified
  FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = 0 ORDER BY trx_started LIMIT 20
"""


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.MYSQL: ("PROCESS", "XA_RECOVER_ADMIN"), Flavour.MARIADB: ("PROCESS",)})
def prepared_transactions(db: MySQL) -> PreparedTransactions:
    """Asks XA RECOVER, and InnoDB for transactions without a session.

    A transaction that a session has merely prepared is in XA RECOVER, too; it is no orphan while the session lives.
    """
    rows = db.rows("XA RECOVER", limit=50)
    orphans = tuple(
        OrphanedTransaction(float(r["age"]), int(r["locked"]), int(r["modified"]), str(r["started"]))
        for r in db.rows(ORPHANS)
    )
    return PreparedTransactions(tuple(_xid(row) for row in rows[:20]), orphans, orphans[0].age if orphans else 0.0)


def _xid(row: object) -> str:
    data = row["data"]  # type: ignore[index]
    raw = data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogateescape")
    length = int(row["gtrid_length"])  # type: ignore[index]
    return f"0x{raw[:length].hex()},0x{raw[length:].hex()},{row['formatID']}"  # type: ignore[index]
