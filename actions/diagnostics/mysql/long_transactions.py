"""Which transactions have been open for long, and which sessions hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.server_versions import processlist
from actions.session_workloads import named_session, workloads_of_sessions
from actions.workload_names import workload_of

MOST = 20
"""Transactions that are returned."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction of a session."""

    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    host: str
    """The client's host."""
    command: str
    """Its command; `Sleep` for a session that holds its transaction open while idle."""
    state: str
    """The session's state in the process list."""
    age: Seconds
    """Time since the transaction began."""
    idle_for: Seconds
    """Time for which the session has been in its present command."""
    started: str
    """When the transaction began, in the server's time zone."""
    command_since: int
    """When the session's present command began, as Unix time on the server."""
    rows_locked: Count
    """Rows that it has locked, estimated."""
    rows_modified: Count
    """Rows that it has modified, which a rollback would restore."""
    statement: str
    """The statement that it runs, with literals as `?`; '' for an idle session."""
    protected: str = ""
    """Why Firstmate never ends it, in a sentence; '' if it may be ended."""
    workload: str = ""
    """The workload that it belongs to, by a comment of its statements or the program of its client; '' if unknown."""

    @property
    def who(self) -> str:
        """Its user, the client's host and, if it is known, its workload, such as `app@10.1.2.3 (job:purge)`."""
        return named_session(self.user, self.host, self.workload)


@dataclass(frozen=True, slots=True)
class LongTransactions:
    """Transactions older than `older_than`, the oldest first."""

    EXACT: ClassVar[tuple[str, ...]] = ("transactions", "oldest")

    transactions: tuple[Transaction, ...] = ()
    """The transactions; 20 at most."""
    oldest: Seconds = 0.0
    """Age of the oldest transaction; 0 if there is none."""
    complete: bool = True
    """False if there may be more than the 20 oldest."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def long_transactions(db: MySQL, *, older_than: Seconds = 30.0) -> LongTransactions:
    """Reads transactions older than `older_than` from INNODB_TRX, with the sessions that hold them.

    INNODB_TRX takes the latch of the transaction list, which a LIMIT does not shorten. Transactions of the replication
    applier (user `system user`) are left out.
    """
    rows = db.rows(
        f"SELECT {sessions.columns(db.version)}, p.HOST AS host, p.TIME AS idle_for, "
        "TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS age, t.trx_rows_locked AS rows_locked "
        f"FROM information_schema.INNODB_TRX t JOIN {processlist(db.version)} p ON p.ID = t.trx_mysql_thread_id "
        "WHERE t.trx_started <= NOW() - INTERVAL %s SECOND AND p.USER NOT IN ('system user', 'event_scheduler') "
        f"AND p.ID <> CONNECTION_ID() ORDER BY t.trx_started LIMIT {MOST}",
        (older_than,),
    )
    workloads = workloads_of_sessions(db, [int(row["id"]) for row in rows])
    found = tuple(
        Transaction(
            thread_id=session.thread_id,
            user=session.user,
            host=sessions.client_host(row["host"]),
            command=session.command,
            state=str(row["state"]),
            age=float(row["age"]),
            idle_for=float(row["idle_for"] or 0),
            started=session.transaction_started,
            command_since=session.command_since,
            rows_locked=int(row["rows_locked"]),
            rows_modified=session.rows_modified,
            statement=session.statement,
            protected=killable_sessions.protection(session),
            workload=workload_of(str(row["info"] or "")) or workloads.get(session.thread_id, ""),
        )
        for row, session in ((row, sessions.from_row(row)) for row in rows)
    )
    return LongTransactions(found, found[0].age if found else 0.0, len(found) < MOST)
