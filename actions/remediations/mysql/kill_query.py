"""Kills the statement that a session runs; the session stays connected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import (
    DIAGNOSE_AGAIN,
    Flavour,
    Grants,
    MySQL,
    NoUndo,
    Refused,
    Remediation,
    Risk,
    Statement,
    Verification,
)
from actions.sessions import Session
from actions.sql_quoting import statement


@dataclass(frozen=True)
class KillQuery(Remediation):
    """Kills one statement, identified by its session, user, start and text."""

    thread_id: int
    """The session's id."""
    user: str
    """The session's user."""
    statement: str
    """The statement with its literals as `?`, as the diagnostics return it."""
    command_since: int
    """When it began, as Unix time on the server, as the diagnostics return it."""
    only_users: str = ""
    """Patterns of users whose statements may be killed, such as `report*, batch`; '' allows all that are not
    protected."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a session that runs another statement, is idle, or is protected."""
        self._same(db)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Checks the session again on the changing connection, then KILL QUERY.

        MariaDB numbers its statements; there the statement is killed by number, which cannot hit the session's next
        one.
        """
        session = self._same(db)
        if session.query_id:
            yield statement("KILL QUERY ID {}", session.query_id)
        else:
            yield statement("KILL QUERY {}", self.thread_id)

    def cost(self, db: MySQL) -> str:
        """The rows that its transaction has modified."""
        return sessions.rollback_cost(db, self.thread_id)

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when the statement has ended; a session that rolls back is waited for, and never killed again."""
        session = sessions.read(db, self.thread_id)
        if session is None or session.user != self.user:
            return Verification(ok=True, says=f"Session {self.thread_id} on {db.address} has ended.")
        if session.killed:
            left = f"{session.rows_modified:,} rows left"
            says = f"Session {self.thread_id} on {db.address} is rolling back, {left}; do not kill it again."
            return Verification(ok=False, says=says, settled=False)
        if session.idle or not self._is(session):
            return Verification(ok=True, says=f"The statement of session {self.thread_id} on {db.address} has ended.")
        return Verification(
            ok=False,
            says=(
                f"Session {self.thread_id} on {db.address} still runs the statement. Check its state in SHOW "
                "PROCESSLIST; do not kill it again."
            ),
            settled=False,
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: a killed statement cannot be resumed."""
        raise NoUndo("a killed statement cannot be resumed; its client gets an error and may try again")

    def _same(self, db: MySQL) -> Session:
        session = sessions.read(db, self.thread_id)
        if session is None:
            raise Refused(f"Session {self.thread_id} on {db.address} has ended; there is nothing to kill.")
        if session.killed:
            killable_sessions.refuse_protected(session)
        if session.idle or not self._is(session):
            raise Refused(f"Session {self.thread_id} on {db.address} no longer runs that statement. {DIAGNOSE_AGAIN}")
        killable_sessions.refuse_protected(session, self.only_users)
        return session

    def _is(self, session: Session) -> bool:
        same = session.user == self.user and session.statement == self.statement
        return same and session.runs_since(self.command_since)
