"""Which sessions may still hold the lock on which the applier gave up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.server_versions import processlist
from actions.sessions import client_host
from actions.status_counters import variables

MOST = 20
"""The most transactions that are named."""


@dataclass(frozen=True, slots=True)
class ApplierBlocker:
    """An open transaction with row locks."""

    thread_id: int = 0
    """The session's id, as KILL takes it; 0 for a prepared XA transaction, which no session holds."""
    user: str = ""
    host: str = ""
    """The client's host."""
    idle: bool = False
    """Whether the session runs no statement."""
    age: Seconds = 0.0
    """Time since the transaction began."""
    rows_locked: Count = 0
    """Rows that it has locked, estimated."""

    @property
    def says(self) -> str:
        """`session 41 of batch@app1 (idle)`, or `a prepared XA transaction`."""
        if not self.thread_id:
            return "a prepared XA transaction"
        return f"session {self.thread_id} of {self.user}@{self.host}{' (idle)' if self.idle else ''}"


@dataclass(frozen=True, slots=True)
class ApplierBlockers:
    """Open transactions with row locks, other than the replica's own, the oldest first."""

    EXACT: ClassVar[tuple[str, ...]] = ("blockers", "gives_up_after")

    blockers: tuple[ApplierBlocker, ...] = ()
    """The transactions; 20 at most."""
    complete: bool = True
    """False if there are more."""
    gives_up_after: Seconds = 0.0
    """How long the applier tries once it is started: innodb_lock_wait_timeout for each of its attempts; 0 if the
    server does not say."""

    @property
    def says(self) -> str:
        """The first three of them, as text; '' if there are none."""
        named = ", ".join(each.says for each in self.blockers[:3])
        more = len(self.blockers) - 3
        return f"{named} and {more} more" if more > 0 else named


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def applier_blockers(db: MySQL) -> ApplierBlockers:
    """Reads open transactions that have locked or modified rows from INNODB_TRX, and the applier's patience.

    An applier that gave up waits no more, so no server says who blocked it: each of these may be the one. Transactions
    of the replica's own threads (user `system user`) are left out. INNODB_TRX takes the latch of the transaction list.
    An applier tries once, and then as often as replica_transaction_retries says (manual, Replica Server Options).
    """
    rows = db.rows(
        "SELECT t.trx_mysql_thread_id AS id, COALESCE(p.USER, '') AS user, COALESCE(p.HOST, '') AS host, "
        "COALESCE(p.COMMAND, '') AS command, t.trx_rows_locked AS rows_locked, "
        "TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS age FROM information_schema.INNODB_TRX t "
        f"LEFT JOIN {processlist(db.version)} p ON p.ID = t.trx_mysql_thread_id "
        "WHERE (t.trx_rows_locked > 0 OR t.trx_rows_modified > 0) AND COALESCE(p.USER, '') <> 'system user' "
        "ORDER BY t.trx_started LIMIT 21"
    )
    found = tuple(
        ApplierBlocker(
            thread_id=int(row["id"] or 0),
            user=str(row["user"]),
            host=client_host(row["host"]),
            idle=row["command"] == "Sleep",
            age=float(row["age"] or 0),
            rows_locked=int(row["rows_locked"] or 0),
        )
        for row in rows[:MOST]
    )
    return ApplierBlockers(found, len(rows) <= MOST, gives_up_after(db))


def gives_up_after(db: MySQL) -> Seconds:
    """Returns how long an applier waits for one row lock in all its attempts; 0 if the server does not say."""
    has = variables(db, "innodb_lock_wait_timeout", "replica_transaction_retries", "slave_transaction_retries")
    retries = has.get("replica_transaction_retries", has.get("slave_transaction_retries"))
    timeout = has.get("innodb_lock_wait_timeout")
    return float(timeout) * (int(retries) + 1) if timeout and retries else 0.0
