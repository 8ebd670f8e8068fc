"""Which prepared (XA) transactions were left behind by their coordinator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Cost, Count, Flavour, MySQL, Row, Seconds, diagnostic


@dataclass(frozen=True, slots=True)
class OrphanedTransaction:
    """A prepared transaction without a session: it keeps its locks until it is committed or rolled back."""

    age: Seconds
    """Time since it began."""
    rows_locked: Count
    """Rows that it has locked, estimated."""
    rows_modified: Count
    """Rows that it has modified."""
    started: str
    """When it began, in the server's time zone."""


@dataclass(frozen=True, slots=True)
class PreparedTransactions:
    """Prepared transactions, the oldest first."""

    EXACT: ClassVar[tuple[str, ...]] = ("xids", "orphans", "oldest")

    xids: tuple[str, ...] = ()
    """Their ids, as XA COMMIT and XA ROLLBACK take them: `gtrid` and `bqual` in hexadecimal, and the format. 20 at
    most."""
    orphans: tuple[OrphanedTransaction, ...] = ()
    """Prepared transactions without a session; 20 at most."""
    oldest: Seconds = 0.0
    """Age of the oldest one without a session; 0 if there is none."""
    complete: bool = True
    """False if there may be more than 20."""


ORPHANS = """
SELECT trx_started AS started, TIMESTAMPDIFF(SECOND, trx_started, NOW()) AS age, trx_rows_locked AS locked,
       trx_rows_modified AS modified
  FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = 0 ORDER BY trx_started LIMIT 20
"""


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.MYSQL: ("PROCESS", "XA_RECOVER_ADMIN"), Flavour.MARIADB: ("PROCESS",)})
def prepared_transactions(db: MySQL) -> PreparedTransactions:
    """Reads XA RECOVER, and the InnoDB transactions without a session.

    The ids are asked for in hexadecimal, since they may be any bytes. XA RECOVER also lists transactions that a
    connected session has prepared; those are not orphans.
    """
    rows = db.rows("XA RECOVER FORMAT='SQL'" if db.version.is_mariadb else "XA RECOVER CONVERT XID", limit=50)
    orphans = tuple(
        OrphanedTransaction(float(r["age"]), int(r["locked"]), int(r["modified"]), str(r["started"]))
        for r in db.rows(ORPHANS)
    )
    xids = tuple(_xid(row) for row in rows[:20])
    oldest = orphans[0].age if orphans else 0.0
    return PreparedTransactions(xids, orphans, oldest, max(len(rows), len(orphans)) < 20)


def _xid(row: Row) -> str:
    first = int(row["gtrid_length"])
    raw = xid_bytes(str(row["data"]), first, int(row["bqual_length"]))
    return f"{_literal(raw[:first])},{_literal(raw[first:])},{row['formatID']}"


def _literal(part: bytes) -> str:
    """Returns a part as a statement takes it; `0x` without a digit is a name there, not an empty literal."""
    return f"0x{part.hex()}" if part else "''"


def xid_bytes(data: str, gtrid_length: int, bqual_length: int) -> bytes:
    """Returns `gtrid` and `bqual` in one piece, as bytes: an id may be any bytes, and no text.

    `data` is `0x...` as CONVERT XID has it, or what MariaDB writes with FORMAT='SQL': `X'...',X'...'` or, where every
    byte is printable, `'...','...'` without escapes. Source: sql/xa.cc of MySQL and of MariaDB.
    """
    if data.startswith("0x"):
        return bytes.fromhex(data[2:])
    if data.startswith("X'"):
        end = 2 + 2 * gtrid_length
        begin = end + len("',X'")
        return bytes.fromhex(data[2:end] + data[begin : begin + 2 * bqual_length])
    end = 1 + gtrid_length
    begin = end + len("','")
    return (data[1:end] + data[begin : begin + bqual_length]).encode()
