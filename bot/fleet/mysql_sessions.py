"""Readers and changers of MySQL and MariaDB.

A reader's session is read-only, sets a time limit for each statement on the server, and sends only SELECT and SHOW. A
changer executes the statements of an approved plan, and reads on the same connection.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import SSDictCursor

from actions.contract import READERS_DATABASE, Flavour, Row, Seconds, ServerVersion, Statement, Unreadable
from bot.errors import Unreachable
from bot.fleet import connection_errors as failures
from bot.fleet.allowed_statements import check_reading
from bot.fleet.cost_gate import CostGate
from bot.fleet.mysql_connections import Server, connect, kill_late_session
from bot.fleet.session_settings import MOST_ROWS, MOST_SHOWN, changer_settings, reader_settings

READ_WITHIN = 2.0
"""Seconds after which the server stops a reading statement."""
CHANGE_WITHIN = 30.0
"""Seconds until a changing statement times out in the client."""
LONGEST_PAUSE = 5.0
"""The longest pause between two samples of one diagnostic, in seconds."""
MOST_BYTES = 4_000_000
"""The most characters and bytes of one answer."""
_TAG = re.compile(r"[\w-]{1,60}")


class MySQLReader:
    """Reads one server over one connection; implements actions.contract.MySQL."""

    def __init__(self, connection: Connection[SSDictCursor], server: Server, gate: CostGate | None = None) -> None:
        self._connection = connection
        self._server = server
        self._gate = gate
        self._version = parse_version(str(connection.get_server_info()))  # type: ignore[no-untyped-call]

    @property
    def version(self) -> ServerVersion:
        return self._version

    @property
    def address(self) -> str:
        return self._server.address

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200, costly: bool = False) -> list[Row]:
        """Runs one reading statement; see the contract."""
        check_reading(sql)
        if costly and self._gate is not None:
            self._gate.admit(self.address)
        # The cursor is not closed after an error: closing it would read from a socket that may be gone.
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, tuple(params) or None)
            most = MOST_SHOWN if sql.lstrip().startswith("SHOW") else MOST_ROWS
            found = bounded(cursor, min(limit, most), self.address, sql)
            cursor.close()
            return found
        except pymysql.MySQLError as error:
            if failures.code_of(error) in failures.CUT_OFF:
                kill_late_session(self._server, self._connection)
            raise Unreadable(failures.asking(error, self.address, sql)) from error

    def look_around(self) -> None:
        """Reads whether the server has performance_schema, so that its empty tables are not taken for an answer; raises
        Unreachable."""
        try:
            found = self.rows("SELECT @@GLOBAL.performance_schema AS enabled")
        except Unreadable as error:
            raise Unreachable(str(error)) from error
        self._version = replace(self._version, performance_schema=all(int(row["enabled"]) for row in found))

    def pause(self, seconds: Seconds) -> None:
        """Waits between two samples, at most LONGEST_PAUSE."""
        wait(seconds)


class MySQLChanger:
    """Executes the statements of a plan on one connection, and reads on it."""

    def __init__(self, connection: Connection[SSDictCursor], server: Server) -> None:
        self._connection = connection
        self._reader = MySQLReader(connection, server)

    @property
    def reader(self) -> MySQLReader:
        return self._reader

    def execute(self, statement: Statement, *, tag: str) -> None:
        """Executes one statement with the run's id as a comment, which identifies it in the server's logs.

        Raises Unreachable if the server refuses it or does not answer; without an answer it may have been executed.
        """
        if not _TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is not the id of a run")
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"{statement} /* firstmate {tag} */")
        except pymysql.MySQLError as error:
            raise Unreachable(failures.asking(error, self._reader.address, str(statement))) from error


@contextmanager
def open_reader(
    server: Server, *, timeout: Seconds = READ_WITHIN, gate: CostGate | None = None
) -> Iterator[MySQLReader]:
    """Connects as the reader and closes the connection at the end; raises Unreachable with the reason.

    After `timeout` seconds the server stops a statement; one second later the client gives up. `gate` limits costly
    statements.
    """
    with connect(server, read_timeout=timeout + 1.0, database=READERS_DATABASE) as connection:
        reader = MySQLReader(connection, server, gate)
        _prepare(connection, server, reader_settings(reader.version, timeout))
        reader.look_around()
        yield reader


@contextmanager
def open_changer(server: Server) -> Iterator[MySQLChanger]:
    """Connects as the changer; raises Unreachable."""
    with connect(server, read_timeout=CHANGE_WITHIN) as connection:
        changer = MySQLChanger(connection, server)
        _prepare(connection, server, changer_settings(changer.reader.version, CHANGE_WITHIN))
        changer.reader.look_around()
        yield changer


def parse_version(text: str) -> ServerVersion:
    """Parses the version of the greeting, such as `9.7.4`, `8.0.36-28` or `5.5.5-10.11.19-MariaDB-deb12`."""
    mariadb = "mariadb" in text.lower()
    # MariaDB before 11 prefixes its version with 5.5.5-, for old replicas.
    plain = text.removeprefix("5.5.5-") if mariadb else text
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", plain)
    number = tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return ServerVersion(Flavour.MARIADB if mariadb else Flavour.MYSQL, (number[0], number[1], number[2]))


def wait(seconds: Seconds) -> None:
    """Waits between two samples of a diagnostic, at most LONGEST_PAUSE."""
    time.sleep(max(0.0, min(seconds, LONGEST_PAUSE)))


def _prepare(connection: Connection[SSDictCursor], server: Server, settings: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(settings)
    except pymysql.MySQLError as error:
        raise Unreachable(failures.asking(error, server.address, settings)) from error


def bounded(cursor: SSDictCursor, limit: int, address: str, sql: str) -> list[Row]:
    """Returns the first rows of an answer; the others are read and discarded one by one, to save memory."""
    found: list[Row] = []
    size = 0
    for row in cursor:
        size += sum(len(value) if isinstance(value, str | bytes) else 8 for value in row.values())
        if len(found) < limit and size <= MOST_BYTES:
            found.append(row)
    if size > MOST_BYTES and len(found) < limit:
        raise Unreadable(
            f"{address} returned {size:,} bytes for {' '.join(sql.split())[:60]!r}; the limit is {MOST_BYTES:,} bytes."
        )
    return found
