"""Ends a session that holds locks and does nothing; its transaction rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.sessions import Session
from actions.sql_quoting import statement


@dataclass(frozen=True)
class KillConnection(Remediation):
    """Ends one session, known by its id, user and the start of its transaction."""

    thread_id: int
    user: str
    transaction_started: str
    """When its transaction began, in the server's own time, as the diagnostics return it; '' where it has none."""
    even_if_busy: bool = False
    """Whether to end it also while it runs a statement."""
    command_since: int = 0
    """When its present command began, as the diagnostics return it; needed where it has no transaction."""
    only_users: str = ""
    """Patterns of users whose sessions may be ended, such as `report*, batch`; none means all but protected ones."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a session that is another one now, works again, or is never killed."""
        self._same(db)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Reads the session again on this very connection, then KILL."""
        self._same(db)
        yield statement("KILL {}", self.thread_id)

    def cost(self, db: MySQL) -> str:
        """The rows that its transaction has modified."""
        return sessions.rollback_cost(db, self.thread_id)

    def verify(self, db: MySQL) -> Verification:
        """Good when the session is gone; one that rolls back is waited for, never killed again."""
        session = sessions.read(db, self.thread_id)
        if session is None or session.user != self.user:
            return Verification(
                ok=True, says=f"Session {self.thread_id} of {db.address} is gone, and its locks with it."
            )
        if session.killed:
            left = f"{session.rows_modified:,} rows to go"
            says = f"Session {self.thread_id} of {db.address} rolls back, {left}; do not kill it again."
        else:
            says = f"Session {self.thread_id} of {db.address} is still there ({session.command})."
        return Verification(ok=False, says=says, settled=False)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """A rolled back transaction does not come back."""
        raise NoUndo("its transaction is rolled back; its client has lost the connection and may begin again")

    def _same(self, db: MySQL) -> Session:
        where = f"Session {self.thread_id} of {db.address}"
        session = sessions.read(db, self.thread_id)
        if session is None:
            raise Refused(f"{where} is gone; there is nothing to kill.")
        if session.killed:
            killable_sessions.refuse_protected(session)
        if session.user != self.user or session.transaction_started != self.transaction_started:
            raise Refused(f"{where} is not in that transaction any more; look again.")
        if not self.transaction_started and not self.command_since:
            raise Refused(f"{where} has no transaction to know it by; say when its present command began, too.")
        if self.command_since and not session.runs_since(self.command_since):
            raise Refused(f"{where} has done something else since; look again.")
        if not session.idle and not self.even_if_busy:
            raise Refused(f"{where} works again ({session.command}); look again.")
        killable_sessions.refuse_protected(session, self.only_users)
        return session
