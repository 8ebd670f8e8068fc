"""Kills the statements of one shape, a few at once; their sessions stay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.sessions import Session
from actions.sql_quoting import statement

MOST = 20
"""Statements that are killed at once; what is left is a matter for another look."""


@dataclass(frozen=True)
class KillStatements(Remediation):
    """Kills the statements of one shape in the named sessions, as far as they still run."""

    statement: str
    """The statement with its literals as `?`, as the diagnostics return it."""
    thread_ids: tuple[int, ...]
    """The sessions, 20 at most."""
    began_until: int
    """Unix time of the server; a statement that began later is another one, and is left alone."""
    only_users: str = ""
    """Patterns of users whose statements may be killed, such as `report*, batch`; none means all but protected ones."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    narrows: ClassVar[bool] = True
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses more than the cap, a protected session among them, and a shape that runs no more."""
        if not 0 < len(self.thread_ids) <= MOST:
            raise Refused(f"{len(self.thread_ids)} statements are named; 1 to {MOST} may be killed at once.")
        if not self.statement:
            raise Refused("Say which statement is meant; without its text any would be.")
        running = self._running(db)
        if not running:
            raise Refused(f"None of the {len(self.thread_ids)} sessions of {db.address} runs that statement any more.")
        for session in running:
            killable_sessions.refuse_protected(session, self.only_users)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Reads the sessions again on this very connection, then KILL QUERY for each that still runs it."""
        for session in self._running(db):
            killable_sessions.refuse_protected(session, self.only_users)
            if session.query_id:
                yield statement("KILL QUERY ID {}", session.query_id)
            else:
                yield statement("KILL QUERY {}", session.thread_id)

    def cost(self, db: MySQL) -> str:
        """The rows that their transactions have modified."""
        rows = sum(session.rows_modified for session in self._running(db))
        return f"{rows:,} modified rows are rolled back." if rows else "Nothing is rolled back."

    def verify(self, db: MySQL) -> Verification:
        """Good when none of them runs any more; those that roll back are waited for, never killed again."""
        left = self._running(db)
        if not left:
            return Verification(
                ok=True, says=f"None of the {len(self.thread_ids)} statements runs on {db.address} any more."
            )
        rolling = sum(session.killed for session in left)
        says = (
            f"{len(left)} of {len(self.thread_ids)} statements still run on {db.address}, {rolling} of them roll back."
        )
        return Verification(ok=False, says=says, settled=False)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """Killed statements do not come back."""
        raise NoUndo("killed statements do not come back; their clients have an error and may try again")

    def _running(self, db: MySQL) -> list[Session]:
        return [
            session
            for session in sessions.read_all(db, self.thread_ids)
            if session.statement == self.statement and session.command_since <= self.began_until + sessions.TOLERANCE
        ]
