"""Which statements have been running for long, and which of them may be killed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.server_versions import processlist
from actions.session_workloads import named_session, workloads_of_sessions
from actions.workload_names import workload_of

MOST = 20
"""Statements that are returned."""


@dataclass(frozen=True, slots=True)
class LongQuery:
    """A running statement."""

    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    host: str
    """The client's host."""
    database: str
    """The session's default database; '' for none."""
    running_for: Seconds
    """Time since it began."""
    command_since: int
    """When it began, as Unix time on the server."""
    state: str
    """The session's state in the process list."""
    statement: str
    """The statement, with literals as `?`."""
    rows_examined: Count
    """Rows that it has examined so far."""
    rows_modified: Count
    """Rows that its transaction has modified."""
    protected: str
    """Why Firstmate never kills it, in a sentence; '' if it may be killed."""
    workload: str = ""
    """The workload that it belongs to, by a comment of its statements or the program of its client; '' if unknown."""

    @property
    def who(self) -> str:
        """Its user, the client's host and, if it is known, its workload, such as `app@10.1.2.3 (job:purge)`."""
        return named_session(self.user, self.host, self.workload)


@dataclass(frozen=True, slots=True)
class LongQueries:
    """Statements older than `older_than`, the oldest first."""

    EXACT: ClassVar[tuple[str, ...]] = ("queries", "longest")

    queries: tuple[LongQuery, ...] = ()
    """The statements; 20 at most."""
    longest: Seconds = 0.0
    """Time for which the oldest one has been running."""
    complete: bool = True
    """False if there may be more than the 20 oldest."""

    @property
    def stoppable(self) -> tuple[LongQuery, ...]:
        """Statements that may be killed."""
        return tuple(query for query in self.queries if not query.protected)


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def long_queries(db: MySQL, *, older_than: Seconds = 30.0) -> LongQueries:
    """Reads statements older than `older_than`, with the rows that each has examined and modified."""
    if db.version.is_mariadb:
        examined, joined = "p.EXAMINED_ROWS", ""
    else:
        examined = "COALESCE(s.ROWS_EXAMINED, 0)"
        joined = (
            "LEFT JOIN performance_schema.threads h ON h.PROCESSLIST_ID = p.ID "
            "LEFT JOIN performance_schema.events_statements_current s "
            "ON s.THREAD_ID = h.THREAD_ID AND s.NESTING_EVENT_LEVEL = 0 "
        )
    rows = db.rows(
        f"SELECT {sessions.columns(db.version)}, p.HOST AS host, COALESCE(p.DB, '') AS db, p.TIME AS time, "
        f"{examined} AS examined "
        f"FROM {processlist(db.version)} p {joined}"
        "LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID "
        "WHERE p.COMMAND IN ('Query', 'Execute') AND p.TIME >= %s AND p.ID <> CONNECTION_ID() "
        f"AND p.USER NOT IN ('system user', 'event_scheduler') ORDER BY p.TIME DESC LIMIT {MOST}",
        (older_than,),
    )
    workloads = workloads_of_sessions(db, [int(row["id"]) for row in rows])
    found = tuple(
        LongQuery(
            thread_id=session.thread_id,
            user=session.user,
            host=sessions.client_host(row["host"]),
            database=str(row["db"]),
            running_for=float(row["time"] or 0),
            command_since=session.command_since,
            state=str(row["state"]),
            statement=session.statement,
            rows_examined=int(row["examined"] or 0),
            rows_modified=session.rows_modified,
            protected=killable_sessions.protection(session),
            workload=workload_of(str(row["info"] or "")) or workloads.get(session.thread_id, ""),
        )
        for row, session in ((row, sessions.from_row(row)) for row in rows)
    )
    return LongQueries(found, found[0].running_for if found else 0.0, len(found) < MOST)
