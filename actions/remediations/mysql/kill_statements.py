"""Kills the statements of one normalized text in the sessions that were seen; the sessions stay connected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Flavour, Grants, MySQL, NoUndo, Refused, Remediation, Risk, Statement, Verification
from actions.killable_sessions import MOST_STATEMENTS
from actions.sessions import Session
from actions.sql_quoting import statement

BATCH = 20
"""Statements that are killed before the sessions of the next ones are read again."""


@dataclass(frozen=True)
class KillStatements(Remediation):
    """Kills one normalized statement in those of the given sessions that still run it."""

    statement: str
    """The statement with its literals as `?`, as the diagnostics return it."""
    thread_ids: tuple[int, ...]
    """The ids of the sessions; 500 at most."""
    began_until: int
    """Unix time on the server; a statement that began later is a different one, and is left alone."""
    only_users: str = ""
    """Patterns of users whose statements may be killed, such as `report*, batch`; '' allows all that are not
    protected."""

    risk: ClassVar[Risk] = Risk.DISRUPTIVE
    narrows: ClassVar[bool] = True
    needs: ClassVar[Grants] = {
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*", "CONNECTION_ADMIN"),
        Flavour.MARIADB: ("PROCESS", "CONNECTION ADMIN"),
    }

    def check(self, db: MySQL) -> None:
        """Refuses more than 500 sessions, a protected one among them, and a statement that none of them still runs."""
        if not 0 < len(self.thread_ids) <= MOST_STATEMENTS:
            raise Refused(
                f"{len(self.thread_ids)} sessions were specified; the statements of 1 to {MOST_STATEMENTS} may be "
                "killed at once."
            )
        if not self.statement:
            raise Refused("The text of the statement is missing; without it any statement would match.")
        running = self._to_kill(db, self.thread_ids)
        if not running:
            raise Refused(
                f"None of the {len(self.thread_ids)} sessions on {db.address} still runs that statement; there is "
                "nothing to kill."
            )
        for session in running:
            killable_sessions.refuse_protected(session, self.only_users)

    def change(self, db: MySQL) -> Iterator[Statement]:
        """Yields KILL QUERY for each session that still runs it, and reads the sessions again before every 20 of them.

        A session may have gone on to another statement by then, and MySQL's KILL QUERY names the session only. Refuses
        if one of them is protected by then; what is rolling back already is left out.
        """
        for first in range(0, len(self.thread_ids), BATCH):
            for session in self._to_kill(db, self.thread_ids[first : first + BATCH]):
                killable_sessions.refuse_protected(session, self.only_users)
                if session.query_id:
                    yield statement("KILL QUERY ID {}", session.query_id)
                else:
                    yield statement("KILL QUERY {}", session.thread_id)

    def cost(self, db: MySQL) -> str:
        """How many statements end, and the rows that their transactions have modified."""
        running = self._to_kill(db, self.thread_ids)
        rows = sum(session.rows_modified for session in running)
        ends = "1 statement is killed" if len(running) == 1 else f"{len(running)} statements are killed"
        rolled_back = "1 modified row is" if rows == 1 else f"{rows:,} modified rows are" if rows else "nothing is"
        return f"{ends}, and {rolled_back} rolled back."

    def verify(self, db: MySQL) -> Verification:
        """Succeeds when none of them still runs it; sessions that roll back are waited for, and never killed again."""
        left = self._running(db, self.thread_ids)
        if not left:
            return Verification(
                ok=True, says=f"None of the {len(self.thread_ids)} statements is still running on {db.address}."
            )
        rolling = sum(session.killed for session in left)
        says = (
            f"{len(left)} of {len(self.thread_ids)} statements are still running on {db.address}, {rolling} of them "
            "rolling back."
        )
        return Verification(ok=False, says=says, settled=False)

    def undo(self, db: MySQL) -> Iterator[Statement]:
        """None: killed statements cannot be resumed."""
        raise NoUndo("killed statements cannot be resumed; their clients get an error and may try again")

    def _to_kill(self, db: MySQL, thread_ids: tuple[int, ...]) -> list[Session]:
        """Returns those that still run it and were not killed yet."""
        return [session for session in self._running(db, thread_ids) if not session.killed]

    def _running(self, db: MySQL, thread_ids: tuple[int, ...]) -> list[Session]:
        return [
            session
            for session in sessions.read_all(db, thread_ids)
            if session.statement == self.statement and session.command_since <= self.began_until + sessions.TOLERANCE
        ]
