"""Ends a session that holds locks and does nothing; its transaction rolls back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import sessions
from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verdict
from actions.sessions import Session
from actions.sql import statement


@dataclass(frozen=True)
class KillConnection(Remediation):
    """Ends one session, known by its id, user and the start of its transaction."""

    thread_id: int
    user: str
    transaction_started: str
    """When its transaction began, in the server's own time, as the diagnostics return it."""
    even_if_busy: bool = False
    """Whether to end it also while it runs a statement."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses a session that is another one now, works again, or is never killed."""
        self._same(db)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Reads the session again on this very connection, then KILL."""
        self._same(db)
        yield statement("KILL {}", self.thread_id)

    def verify(self, db: MySQL) -> Verdict:
        """Good when the session is gone; one that rolls back is waited for."""
        session = sessions.read(db, self.thread_id)
        if session is None or session.transaction_started != self.transaction_started:
            return Verdict(ok=True, says=f"Session {self.thread_id} is gone, and its locks with it.")
        return Verdict(
            ok=False, says=f"Session {self.thread_id} is still rolling back ({session.command}).", settled=False
        )

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """A rolled back transaction does not come back."""
        raise NoUndo("its transaction is rolled back; its client has lost the connection and may begin again")

    def _same(self, db: MySQL) -> Session:
        session = sessions.read(db, self.thread_id)
        if session is None:
            raise Refused(f"Session {self.thread_id} of {db.address} is gone; there is nothing to kill.")
        if session.user != self.user or session.transaction_started != self.transaction_started:
            raise Refused(f"Session {self.thread_id} of {db.address} is not in that transaction any more; look again.")
        if not session.idle and not self.even_if_busy:
            raise Refused(f"Session {self.thread_id} of {db.address} works again ({session.command}); look again.")
        sessions.refuse_protected(session)
        return session
