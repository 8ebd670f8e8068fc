"""The store in a SQLite file: one process works on it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import Busy, Unreachable
from bot.store.database import Database

FILE = "firstmate.sqlite"


class SQLiteDatabase(Database):
    """The SQLite file of one bot, locked against a second process.

    Two live bots on one file would each run the step that is in flight, so the second one is told who holds it. A
    reader that only looks (`firstmate audit`) opens with `exclusive=False`.
    """

    several = False

    def __init__(self, folder: Path, *, exclusive: bool = True) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._lock: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if exclusive:
                self._lock = _lock(folder / "lock")
            elif not self.path.exists():
                raise Unreachable(f"There is no store at {self.path}; start firstmate serve once, or name --config.")
            self.path.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise Unreachable(f"The store folder {folder} cannot be used: {error.strerror}.") from error
        self.engine = sa.create_engine(f"sqlite:///{self.path}", pool_size=20, max_overflow=20)
        sa.event.listen(self.engine, "connect", _prepare)

    def __str__(self) -> str:
        return str(self.path)

    def _insert(self, table: sa.Table) -> Any:  # noqa: ANN401 - see the base
        return sqlite.insert(table)

    def _alone(self, connection: sa.Connection) -> None:
        # Takes the write lock at once, and not only when something is written.
        connection.execute(sa.text("BEGIN IMMEDIATE"))

    def close(self) -> None:
        super().close()
        if self._lock is not None:
            self._lock.close()


def _prepare(connection: sa.engine.interfaces.DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Settings of each connection; `IMMEDIATE` is also what DBOS asks of an engine that it is given."""
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _lock(path: Path) -> IO[str]:
    """Takes the lock file or raises Busy with the process that holds it."""
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        handle.seek(0)
        holder = handle.read().strip() or "another process"
        handle.close()
        raise Busy(
            f"The store {path.parent} is in use by process {holder}. One bot at a time works on a SQLite store: "
            "stop that one, work through it (Slack, or the page), or set `postgresql` for several."
        ) from error
    handle.seek(0)
    handle.truncate()
    handle.write(str(os.getpid()))
    handle.flush()
    return handle
