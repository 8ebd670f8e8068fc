"""Ends a session that holds locks while idle; its transaction rolls back."""

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
class KillConnection(Remediation):
    """Ends one session, identified by its id, its user and the start of its transaction."""

    thread_id: int
    """The session's id."""
    user: str
    """The session's user."""
    transaction_started: str
    """When its transaction began, in the server's time zone, as the diagnostics return it; '' if it has none."""
    even_if_busy: bool = False
    """Whether to end it even if it is running a statement."""
    command_since: int = 0
    """When its present command began, as the diagnostics return it; required if it has no transaction."""
    only_users: str = ""
    """Patterns of users whose sessions may be ended, such as `report*, batch`; '' allows all that are not protected."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a session that has changed, is busy again, or is protected."""
        self._same(db)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Checks the session again on the changing connection, then KILL."""
        self._same(db)
        yield statement("KILL {}", self.thread_id)

    def cost(self, db: MySQL) -> str:
        """The rows that its transaction has modified."""
        return sessions.rollback_cost(db, self.thread_id)

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when the session is gone; a session that rolls back is waited for, and never killed again."""
        session = sessions.read(db, self.thread_id)
        if session is None or session.user != self.user:
            return Verification(
                ok=True, says=f"Session {self.thread_id} on {db.address} has ended, and its locks are released."
            )
        if session.killed:
            left = f"{session.rows_modified:,} rows left"
            says = f"Session {self.thread_id} on {db.address} is rolling back, {left}; do not kill it again."
        else:
            says = f"Session {self.thread_id} on {db.address} still exists ({session.command})."
        return Verification(ok=False, says=says, settled=False)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: a rolled-back transaction cannot be restored."""
        raise NoUndo("its transaction is rolled back; its client has lost the connection and may try again")

    def _same(self, db: MySQL) -> Session:
        where = f"Session {self.thread_id} on {db.address}"
        session = sessions.read(db, self.thread_id)
        if session is None:
            raise Refused(f"{where} has ended; there is nothing to kill.")
        if session.killed:
            killable_sessions.refuse_protected(session)
        if session.user != self.user or session.transaction_started != self.transaction_started:
            raise Refused(f"{where} is no longer in that transaction. {DIAGNOSE_AGAIN}")
        if not self.transaction_started and not self.command_since:
            raise Refused(f"{where} has no transaction that identifies it; specify command_since as well.")
        if self.command_since and not session.runs_since(self.command_since):
            raise Refused(f"{where} has run another command since. {DIAGNOSE_AGAIN}")
        if not session.idle and not self.even_if_busy:
            raise Refused(f"{where} is busy again ({session.command}). {DIAGNOSE_AGAIN}")
        killable_sessions.refuse_protected(session, self.only_users)
        return session
