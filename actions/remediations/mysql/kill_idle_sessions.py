"""Ends a few idle sessions of one user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.sessions import Session
from actions.sql_quoting import statement

MOST = 50
"""Sessions that may be ended at once."""


@dataclass(frozen=True)
class KillIdleSessions(Remediation):
    """Ends those of the given sessions of a user that are still idle and have no transaction."""

    user: str
    """The user of the sessions."""
    thread_ids: tuple[int, ...]
    """The ids of the sessions; 50 at most."""
    asleep_since: int
    """Unix time on the server; a session that ran a command later is left alone."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    narrows: ClassVar[bool] = True
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses more than 50 sessions, protected users, and sessions of which none is still idle."""
        if not 0 < len(self.thread_ids) <= MOST:
            raise Refused(f"{len(self.thread_ids)} sessions were specified; 1 to {MOST} may be ended at once.")
        asleep = self._asleep(db)
        if not asleep:
            raise Refused(
                f"None of the {len(self.thread_ids)} sessions of {self.user} on {db.address} is still idle; there is "
                "nothing to end."
            )
        for session in asleep:
            killable_sessions.refuse_protected(session)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Reads the sessions again on the changing connection, then KILL for each that is still idle."""
        for session in self._asleep(db):
            killable_sessions.refuse_protected(session)
            yield statement("KILL {}", session.thread_id)

    def cost(self, db: MySQL) -> str:
        """Nothing is rolled back: sessions with a transaction are left alone."""
        return "Nothing is rolled back; connection pools reconnect when they need to."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when none of them is left idle."""
        left = self._asleep(db)
        says = f"{len(self.thread_ids) - len(left)} of {len(self.thread_ids)} sessions of {self.user} have ended on "
        return Verification(ok=not left, says=f"{says}{db.address}.", settled=not left)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: ended sessions cannot be restored."""
        raise NoUndo("ended sessions cannot be restored; their clients reconnect")

    def _asleep(self, db: MySQL) -> list[Session]:
        return [
            session
            for session in sessions.read_all(db, self.thread_ids)
            if session.user == self.user
            and session.idle
            and not session.transaction_started
            and session.command_since <= self.asleep_since + sessions.TOLERANCE
        ]
