"""Serves the stand-in over the MySQL protocol, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mysql_mimic import IdentityProvider, MysqlServer, ResultColumn, ResultSet, User
from mysql_mimic.auth import AuthPlugin, NativePasswordAuthPlugin
from mysql_mimic.errors import ErrorCode, MysqlError
from mysql_mimic.session import BaseSession
from mysql_mimic.types import ColumnType
from mysql_mimic.variables import SYSTEM_VARIABLES, GlobalVariables, SessionVariables, Variables

from bot.errors import Unreachable
from bot.lab.proxysql.admin import Admin, AdminError

ADMIN, STATS = "firstmate_admin", "firstmate_stats"
PASSWORDS: Mapping[str, str] = {ADMIN: "admin-of-the-stand-in", STATS: "stats-of-the-stand-in"}
GREETS_WITH = "8.0.11"
"""The MySQL version in ProxySQL's greeting (mysql-server_version)."""
START_WITHIN = 10.0


class _Users(IdentityProvider):  # type: ignore[misc]  # mypy sees mysql-mimic without its types
    """Knows the two users; all others get a password that nothing matches."""

    def get_plugins(self) -> Sequence[AuthPlugin]:
        return [NativePasswordAuthPlugin()]

    async def get_user(self, username: str) -> User:
        known = PASSWORDS.get(username)
        secret = NativePasswordAuthPlugin.create_auth_string(known) if known else "0" * 40
        return User(name=username, auth_string=secret, auth_plugin=NativePasswordAuthPlugin.name)


class _Session(BaseSession):  # type: ignore[misc]
    """One connection to the admin interface."""

    username: str | None
    database: str | None

    def __init__(self, admin: Admin, variables: Variables) -> None:
        self._admin = admin
        self.variables = variables
        self.username = self.database = None

    async def handle_query(self, sql: str, attrs: dict[str, str]) -> ResultSet | None:
        """Answers a statement; ProxySQL uses one number for all errors."""
        try:
            found = self._admin.answer("admin" if self.username == ADMIN else "stats", sql)
        except AdminError as error:
            raise MysqlError(f"ProxySQL Admin Error: {error}", ErrorCode.ACCESS_DENIED_ERROR) from error
        if not found.columns:
            return None
        return ResultSet(found.rows, [ResultColumn(name, ColumnType.VAR_STRING) for name in found.columns])


class ProxySQLServer:
    """The stand-in on 127.0.0.1; a context manager that serves from a thread."""

    def __init__(self, admin: Admin, port: int = 0) -> None:
        self.admin = admin
        self.port = port
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], Any] = lambda: None
        self._failed: OSError | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="proxysql", daemon=True)

    def __enter__(self) -> ProxySQLServer:
        self._thread.start()
        self._ready.wait(START_WITHIN)
        if self._failed is not None:
            raise Unreachable(f"Cannot listen on 127.0.0.1:{self.port}: {self._failed}. Choose another --port.")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the server, if it is running."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(START_WITHIN)

    def join(self) -> None:
        """Waits until the server is stopped."""
        self._thread.join()

    async def _serve(self) -> None:
        stopped = asyncio.Event()
        self._loop, self._stop = asyncio.get_running_loop(), stopped.set
        variables = GlobalVariables({**SYSTEM_VARIABLES, "version": (str, GREETS_WITH, False)})
        server = MysqlServer(
            session_factory=lambda: _Session(self.admin, SessionVariables(variables)), identity_provider=_Users()
        )
        try:
            await server.start_server(host="127.0.0.1", port=self.port)
        except OSError as error:
            self._failed = error
            self._ready.set()
            return
        self.port = server.sockets()[0].getsockname()[1]
        self._ready.set()
        await stopped.wait()
        server.close()
