"""Connections to the admin interface of ProxySQL, which uses MySQL's protocol and SQLite tables.

A reader is a user of `admin-stats_credentials`, which opens the statistics database read-only (PRAGMA query_only). A
changer is a user of `admin-admin_credentials`, which has no restrictions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import SSDictCursor

from actions.contract import Flavour, Row, Seconds, ServerVersion, Statement, Unreadable
from actions.sql_quoting import literal
from bot.errors import Unreachable
from bot.fleet import connection_errors as failures
from bot.fleet.allowed_statements import check_reading
from bot.fleet.mysql_connections import Server, connect
from bot.fleet.mysql_sessions import CHANGE_WITHIN, READ_WITHIN, bounded, wait
from bot.fleet.session_settings import MOST_ROWS

COMMENT = "SELECT @@version_comment LIMIT 1"
"""Only this exact text is answered; any other that starts with `SELECT @@version` returns the version."""
VERSION = "SELECT @@version"
CALLS_ITSELF = "ProxySQL Admin Module"
_RESETS = re.compile(r"\w+_reset\b", re.IGNORECASE)


class ProxySQLReader:
    """Reads one ProxySQL over one connection; implements actions.contract.ProxySQL."""

    def __init__(
        self, connection: Connection[SSDictCursor], server: Server, version: ServerVersion, *, sees_configuration: bool
    ) -> None:
        self._connection = connection
        self._server = server
        self._version = version
        self._sees_configuration = sees_configuration

    @property
    def version(self) -> ServerVersion:
        return self._version

    @property
    def address(self) -> str:
        return self._server.address

    @property
    def sees_configuration(self) -> bool:
        return self._sees_configuration

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Runs one SELECT; see the contract. Only the socket limits the time, since ProxySQL has no setting for it."""
        check_reading(sql)
        found = _RESETS.search(sql)
        if found is not None:
            raise Unreadable(f"A reader may not read {found.group()}, since that resets the counters of ProxySQL.")
        return _ask(self._connection, self._server, rendered(sql, params), min(limit, MOST_ROWS))

    def pause(self, seconds: Seconds) -> None:
        """Waits between two samples, at most bot.fleet.mysql_sessions.LONGEST_PAUSE."""
        wait(seconds)


class ProxySQLChanger:
    """Executes the statements of a plan on one connection, and reads on it."""

    def __init__(self, connection: Connection[SSDictCursor], server: Server, version: ServerVersion) -> None:
        self._connection = connection
        self._reader = ProxySQLReader(connection, server, version, sees_configuration=True)

    @property
    def reader(self) -> ProxySQLReader:
        return self._reader

    def execute(self, statement: Statement, *, tag: str) -> None:
        """Executes one statement without a comment, since ProxySQL accepts no comment after LOAD.

        Raises Unreachable if it is refused or not answered; without an answer it may have been executed.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(str(statement))
        except pymysql.MySQLError as error:
            raise Unreachable(failures.asking(error, self._reader.address, str(statement))) from error


@contextmanager
def open_reader(server: Server, *, timeout: Seconds = READ_WITHIN) -> Iterator[ProxySQLReader]:
    """Connects as the reader and closes the connection at the end; raises Unreachable with the reason."""
    with connect(server, read_timeout=timeout + 1.0) as connection:
        yield ProxySQLReader(connection, server, _version(connection, server), sees_configuration=False)


@contextmanager
def open_changer(server: Server) -> Iterator[ProxySQLChanger]:
    """Connects as the changer; raises Unreachable."""
    with connect(server, read_timeout=CHANGE_WITHIN) as connection:
        yield ProxySQLChanger(connection, server, _version(connection, server))


def rendered(sql: str, params: Sequence[object]) -> str:
    """Returns the statement with its values as SQLite literals, which have no backslash escapes; raises Unreadable.

    PyMySQL would escape a quote as `\\'`, which ends a text in SQLite.
    """
    parts = sql.split("%s")
    if len(parts) != len(params) + 1:
        raise ValueError(f"{len(params)} values for {len(parts) - 1} placeholders in {sql!r}")
    try:
        values = [literal(each) for each in params if isinstance(each, bool | int | float | str)]
    except ValueError as error:
        raise Unreadable(
            f"A value for {' '.join(sql.split())[:60]!r} cannot be written as a SQLite literal: {error}."
        ) from error
    if len(values) != len(params):
        raise ValueError(f"{sql!r} takes only numbers and texts")
    return "".join(part + value for part, value in zip(parts, [*values, ""], strict=True))


def parse_version(text: str) -> ServerVersion:
    """Parses the answer of SELECT @@version, such as `2.5.5-10-g195bd70` or `3.0.1-Enterprise`."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    number = tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return ServerVersion(Flavour.PROXYSQL, (number[0], number[1], number[2]))


def _version(connection: Connection[SSDictCursor], server: Server) -> ServerVersion:
    """Reads the version; raises Unreachable if it is not ProxySQL. The greeting contains a MySQL version."""
    try:
        comment = _value(_ask(connection, server, COMMENT, 1))
        if CALLS_ITSELF not in comment:
            raise Unreachable(
                f"{server.address} is not the admin interface of ProxySQL: its version_comment is {comment[:80]!r}. "
                "Correct `port` under `proxies` of the shard; the admin interface has its own port, 6032 by default."
            )
        return parse_version(_value(_ask(connection, server, VERSION, 1)))
    except Unreadable as error:
        raise Unreachable(str(error)) from error


def _value(rows: list[Row]) -> str:
    return str(next(iter(rows[0].values()))) if rows and rows[0] else ""


def _ask(connection: Connection[SSDictCursor], server: Server, sql: str, limit: int) -> list[Row]:
    # The cursor is not closed after an error: closing it would read from a socket that may be gone. Unlike on a server,
    # the session need not be killed: ProxySQL ends a session as soon as its client disconnects.
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        found = bounded(cursor, limit, server.address, sql)
        cursor.close()
    except pymysql.MySQLError as error:
        raise Unreadable(failures.asking(error, server.address, sql)) from error
    return found
