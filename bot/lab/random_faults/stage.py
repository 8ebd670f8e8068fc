"""The sessions and statements of a scenario, and what must be done after it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.errors import FirstmateError
from bot.lab.connections import Rows, administrator, ask, session
from bot.lab.lab_state import LabInstance, LabState
from bot.lab.waiting import log_of, wait_until

STARTED_WITHIN = 20.0
ENDS_WITHIN = 20.0


class Client:
    """A session of an application; `run` sends a statement that it waits for in the background."""

    def __init__(self, connection: Connection[DictCursor], user: str) -> None:
        self._connection = connection
        self.user = user
        self.thread_id = int(connection.thread_id())  # type: ignore[no-untyped-call]
        self.error = ""
        """The server's error on the statement in the background; '' if there was none."""
        self.done = False
        """Whether its statements in the background have succeeded."""
        self._waiting: threading.Thread | None = None

    def ask(self, *statements: str) -> None:
        """Runs statements one after the other."""
        for statement in statements:
            ask(self._connection, statement)

    def run(self, *statements: str) -> None:
        """Runs statements in the background, one after the other, and returns at once."""

        def wait() -> None:
            try:
                for statement in statements:
                    ask(self._connection, statement)
                self.done = True
            except (pymysql.err.MySQLError, OSError, AttributeError, ValueError) as error:
                self.error = str(error) or type(error).__name__

        self._waiting = threading.Thread(target=wait, daemon=True)
        self._waiting.start()

    def wait(self) -> None:
        """Returns when the statement in the background has ended."""
        if self._waiting is not None:
            self._waiting.join(ENDS_WITHIN)

    def disconnect(self) -> None:
        """Closes its connection as a client that dies does, without a word to the server."""
        with suppress(pymysql.err.MySQLError, OSError, AttributeError):
            self._connection._force_close()  # type: ignore[attr-defined]


@dataclass
class Stage:
    """What a scenario has opened on the lab's servers; `close` ends all of it, in reverse."""

    state: LabState
    tables: int = 0
    """How many tables its faults have made."""
    unrecorded: set[str] = field(default_factory=set)
    """Servers that do not record who holds metadata locks, because a setting says so."""
    _clients: list[tuple[LabInstance, Client]] = field(default_factory=list)
    _after: list[Callable[[], object]] = field(default_factory=list)

    def admin(self, on: str, *statements: str) -> Rows:
        """Runs statements as administrator, and returns the rows of the last one."""
        rows: Rows = []
        with administrator(self.state.instance(on)) as connection:
            for statement in statements:
                rows = ask(connection, statement)
        return rows

    def after(self, on: str, *statements: str) -> None:
        """Runs statements as administrator when the scenario is over; errors are ignored."""

        def clean() -> None:
            for statement in statements:
                with suppress(pymysql.err.MySQLError, OSError):
                    self.admin(on, statement)

        self._after.append(clean)

    def finally_(self, do: Callable[[], object]) -> None:
        """Calls a function when the scenario is over."""
        self._after.append(do)

    def open(self, on: str, user: str, *statements: str) -> Client:
        """Opens a session of a user, runs statements, and leaves it open."""
        instance = self.state.instance(on)
        client = Client(session(self.state, instance, user), user)
        self._clients.append((instance, client))
        client.ask(*statements)
        return client

    def run(self, on: str, user: str, *statements: str) -> Client:
        """Opens a session and runs statements, the last one of them in the background."""
        client = self.open(on, user, *statements[:-1])
        client.run(statements[-1])
        return client

    def await_statements(self, on: str, clients: Sequence[Client]) -> None:
        """Returns when the statements of these sessions have begun."""
        ids = ", ".join(str(each.thread_id) for each in clients)
        if not ids:
            return
        count = f"SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID IN ({ids}) AND COMMAND = 'Query'"
        self.wait(
            on,
            f"{len(clients)} statements run on {on}",
            lambda: (
                int(self.admin(on, count)[0]["n"]) + sum(bool(each.done or each.error) for each in clients)
                >= len(clients)
            ),
            STARTED_WITHIN,
        )

    def wait(self, on: str, description: str, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Returns when a condition of a server is true; raises FirstmateError, which names the server's log."""
        wait_until(description, condition, seconds, log=log_of(self.state, on))

    def is_alive(self, on: str, client: Client) -> bool:
        """Returns whether the server still has the session, whatever it does."""
        rows = self.admin(
            on,
            f"SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID = {client.thread_id}",
        )
        return bool(rows[0]["n"])

    def end(self, on: str, client: Client) -> None:
        """Ends one session, as its owner would."""
        self.admin(on, f"KILL {client.thread_id}")
        client.disconnect()
        self._await_end(on, [client])

    def close(self) -> None:
        """Ends all sessions, as their owners would, then runs what was registered, the last first."""
        by_host: dict[str, list[Client]] = {}
        for instance, client in self._clients:
            by_host.setdefault(instance.name, []).append(client)
        for name, clients in by_host.items():
            with suppress(pymysql.err.MySQLError, OSError), administrator(self.state.instance(name)) as connection:
                for client in clients:
                    with suppress(pymysql.err.MySQLError):
                        ask(connection, f"KILL {client.thread_id}")
        for _, client in self._clients:
            client.disconnect()
        while self._after:
            with suppress(pymysql.err.MySQLError, OSError, FirstmateError):  # whoever waits for the servers sees it
                self._after.pop()()
        for name, clients in by_host.items():
            self._await_end(name, clients)
        self._clients.clear()

    def _await_end(self, on: str, clients: Sequence[Client]) -> None:
        ids = ", ".join(str(each.thread_id) for each in clients)
        left = f"SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID IN ({ids})"
        deadline = time.monotonic() + ENDS_WITHIN
        with suppress(pymysql.err.MySQLError, OSError):
            while int(self.admin(on, left)[0]["n"]) and time.monotonic() < deadline:
                time.sleep(0.1)
