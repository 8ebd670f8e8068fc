"""Connections to the admin interface of ProxySQL, which speaks MySQL's protocol over tables of SQLite.

A reader is a user of `admin-stats_credentials`: what it opens is the database of the statistics, with writing switched
off (PRAGMA query_only). A changer is a user of `admin-admin_credentials`, and may do everything.
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
from bot.fleet.connections import Server, connect
from bot.fleet.mysql import CHANGE_WITHIN, MOST_ROWS, READ_WITHIN, bounded, wait
from bot.fleet.read_statements import check_reading

COMMENT = "SELECT @@version_comment LIMIT 1"
"""Answered in these words alone: any other beginning with `SELECT @@version` gives the version."""
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
        """Runs one SELECT; see the contract. The time is bounded by the socket alone: there is no setting for it."""
        check_reading(sql)
        found = _RESETS.search(sql)
        if found is not None:
            raise Unreadable(f"A reader does not read {found.group()}: reading it sets the counters of ProxySQL to 0.")
        return _ask(self._connection, self._server, rendered(sql, params), min(limit, MOST_ROWS))

    def pause(self, seconds: Seconds) -> None:
        """Waits between two looks, as long as a reader of a server does at most."""
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
        """Executes one statement exactly as it is: ProxySQL knows LOAD only without a comment behind it.

        Raises Unreachable when it is refused or not answered; in the latter case it may have been done.
        """
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(str(statement))
        except pymysql.MySQLError as error:
            raise Unreachable(failures.asking(error, self._reader.address, str(statement))) from error


@contextmanager
def open_reader(server: Server, *, timeout: Seconds = READ_WITHIN) -> Iterator[ProxySQLReader]:
    """Connects for reading; raises Unreachable with what was wrong, and closes at the end."""
    with connect(server, read_timeout=timeout + 1.0) as connection:
        yield ProxySQLReader(connection, server, _version(connection, server), sees_configuration=False)


@contextmanager
def open_changer(server: Server) -> Iterator[ProxySQLChanger]:
    """Connects as the user that may change; raises Unreachable."""
    with connect(server, read_timeout=CHANGE_WITHIN) as connection:
        yield ProxySQLChanger(connection, server, _version(connection, server))


def rendered(sql: str, params: Sequence[object]) -> str:
    """The statement with its values as literals of SQLite, which knows no backslash; raises Unreadable.

    PyMySQL would write a quote as `\\'`, which ends the text in SQLite.
    """
    parts = sql.split("%s")
    if len(parts) != len(params) + 1:
        raise ValueError(f"{len(params)} values for {len(parts) - 1} places in {sql!r}")
    try:
        values = [literal(each) for each in params if isinstance(each, bool | int | float | str)]
    except ValueError as error:
        raise Unreadable(f"A value for {' '.join(sql.split())[:60]!r} cannot be written in SQLite: {error}.") from error
    if len(values) != len(params):
        raise ValueError(f"{sql!r} takes numbers and texts only")
    return "".join(part + value for part, value in zip(parts, [*values, ""], strict=True))


def parse_version(text: str) -> ServerVersion:
    """Reads what SELECT @@version says: `2.5.5-10-g195bd70`, `3.0.1-Enterprise`."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    number = tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return ServerVersion(Flavour.PROXYSQL, (number[0], number[1], number[2]))


def _version(connection: Connection[SSDictCursor], server: Server) -> ServerVersion:
    """Who answers here; raises Unreachable where it is no ProxySQL. The greeting claims a version of MySQL."""
    try:
        comment = _value(_ask(connection, server, COMMENT, 1))
        if CALLS_ITSELF not in comment:
            raise Unreachable(
                f"{server.address} answers, and is not the admin interface of ProxySQL: it calls itself "
                f"{comment[:80]!r}. Mend `proxies` of the shard: the admin interface has a port of its own, 6032 by "
                "default."
            )
        return parse_version(_value(_ask(connection, server, VERSION, 1)))
    except Unreadable as error:
        raise Unreachable(str(error)) from error


def _value(rows: list[Row]) -> str:
    return str(next(iter(rows[0].values()))) if rows and rows[0] else ""


def _ask(connection: Connection[SSDictCursor], server: Server, sql: str, limit: int) -> list[Row]:
    # The cursor is not closed on an error: closing it would read on, from a socket that may be gone. Nor is the session
    # ended from another one, as on a server: ProxySQL gives a session up as soon as its client has gone.
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        found = bounded(cursor, limit, server.address, sql)
        cursor.close()
    except pymysql.MySQLError as error:
        raise Unreadable(failures.asking(error, server.address, sql)) from error
    return found
