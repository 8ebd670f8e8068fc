"""Ends idle sessions of one user, a few at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.sessions import Session
from actions.sql_quoting import statement

MOST = 50
"""Sessions that are ended at once."""


@dataclass(frozen=True)
class KillIdleSessions(Remediation):
    """Ends the named sessions of a user, as far as they still sleep and hold no transaction."""

    user: str
    thread_ids: tuple[int, ...]
    """The sessions, 50 at most."""
    asleep_since: int
    """Unix time of the server; a session that did something later is left alone."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    narrows: ClassVar[bool] = True
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses more than the cap, protected users, and where nobody sleeps any more."""
        if not 0 < len(self.thread_ids) <= MOST:
            raise Refused(f"{len(self.thread_ids)} sessions are named; 1 to {MOST} may be ended at once.")
        asleep = self._asleep(db)
        if not asleep:
            raise Refused(
                f"None of the {len(self.thread_ids)} sessions of {self.user} on {db.address} sleeps any more."
            )
        for session in asleep:
            killable_sessions.refuse_protected(session)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Reads the sessions again on this very connection, then KILL for each that still sleeps."""
        for session in self._asleep(db):
            killable_sessions.refuse_protected(session)
            yield statement("KILL {}", session.thread_id)

    def cost(self, db: MySQL) -> str:
        """Nothing is rolled back: a session with a transaction is left alone."""
        return "Nothing is rolled back; their pools connect anew when they need to."

    def verify(self, db: MySQL) -> Verification:
        """Good when none of them is left asleep."""
        left = self._asleep(db)
        says = f"{len(self.thread_ids) - len(left)} of {len(self.thread_ids)} sessions of {self.user} are gone from "
        return Verification(ok=not left, says=f"{says}{db.address}.", settled=not left)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Ended sessions do not come back."""
        raise NoUndo("ended sessions do not come back; their clients connect anew")

    def _asleep(self, db: MySQL) -> list[Session]:
        return [
            session
            for session in sessions.read_all(db, self.thread_ids)
            if session.user == self.user
            and session.idle
            and not session.transaction_started
            and session.command_since <= self.asleep_since + sessions.TOLERANCE
        ]
