"""Connections to MySQL and MariaDB; the only code that imports PyMySQL.

A reader's session is read-only, bounds each statement on the server, and sends nothing but SELECT and SHOW. A changer
executes the statements of an approved plan and reads on the same connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from actions.contract import Flavour, MySQL, Row, ServerVersion, Statement, Unreadable
from actions.diagnostics.mysql.replica_status import replica_status
from actions.versions import processlist
from bot.errors import Unreachable
from bot.fleet.statements import check_reading

READ_WITHIN = 2.0
"""Seconds that the server may take over one reading statement."""
CHANGE_WITHIN = 30.0
"""Seconds that the bot waits for one changing statement."""
LOCK_WAIT = 2
"""Seconds that a reader waits for any lock."""
MOST_ROWS = 1000
"""Rows that the server sends for one SELECT at most, whatever was asked."""
_TAG = re.compile(r"[\w-]{1,60}")


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """Who a server says it is."""

    server_uuid: str
    """server_uuid; MariaDB has none, so there it is server_id, host name and port."""
    read_only: bool
    is_replica: bool
    source: str
    """`host:port` of its source, or ''."""
    connected_replicas: int


class MySQLReader:
    """Reads one server over one connection; implements actions.contract.MySQL."""

    def __init__(self, connection: Connection[DictCursor], address: str) -> None:
        self._connection = connection
        self._address = address
        self._version = parse_version(str(connection.get_server_info()))  # type: ignore[no-untyped-call]

    @property
    def version(self) -> ServerVersion:
        return self._version

    @property
    def address(self) -> str:
        return self._address

    def rows(self, sql: str, params: Sequence[object] = (), *, limit: int = 200) -> list[Row]:
        """Runs one reading statement; see the contract."""
        check_reading(sql)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql, tuple(params) or None)
                return list(cursor.fetchmany(min(limit, MOST_ROWS)))
        except pymysql.MySQLError as error:
            raise Unreadable(_says_query(error, self._address, sql)) from error


class MySQLChanger:
    """Executes the statements of a plan on one connection, and reads on it."""

    def __init__(self, connection: Connection[DictCursor], address: str) -> None:
        self._connection = connection
        self._reader = MySQLReader(connection, address)

    @property
    def reader(self) -> MySQLReader:
        return self._reader

    def execute(self, statement: Statement, *, tag: str) -> None:
        """Executes one statement with the run's id as a comment, for those who read the server's logs."""
        if not _TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is not a run's id")
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(f"{statement} /* firstmate {tag} */")
        except pymysql.MySQLError as error:
            raise Unreachable(_says_query(error, self._reader.address, str(statement))) from error


@contextmanager
def open_reader(
    host: str, port: int, user: str, password: str, *, timeout: float = READ_WITHIN
) -> Iterator[MySQLReader]:
    """Connects for reading; raises Unreachable with what was wrong, and closes at the end."""
    with _connect(host, port, user, password, read_timeout=timeout + 1.0) as connection:
        reader = MySQLReader(connection, f"{host}:{port}")
        _prepare(connection, reader, read_only(reader.version, timeout))
        yield reader


@contextmanager
def open_changer(host: str, port: int, user: str, password: str) -> Iterator[MySQLChanger]:
    """Connects as the user that may change; raises Unreachable."""
    with _connect(host, port, user, password, read_timeout=CHANGE_WITHIN) as connection:
        changer = MySQLChanger(connection, f"{host}:{port}")
        waits = f"SET SESSION lock_wait_timeout={LOCK_WAIT}, innodb_lock_wait_timeout={LOCK_WAIT}"
        _prepare(connection, changer.reader, waits)
        yield changer


def read_only(version: ServerVersion, timeout: float) -> str:
    """The settings of a reader's session, by flavour.

    The time limit that holds is max_execution_time (milliseconds, SELECT only) in MySQL from 5.7.8, and
    max_statement_time (seconds) in MariaDB, which takes MySQL's hint for a comment.
    """
    common = f"lock_wait_timeout={LOCK_WAIT}, innodb_lock_wait_timeout={LOCK_WAIT}, sql_select_limit={MOST_ROWS}"
    if version.is_mariadb:
        return f"SET SESSION {common}, max_statement_time={timeout:g}, tx_read_only=1"
    return f"SET SESSION {common}, max_execution_time={int(timeout * 1000)}, transaction_read_only=1"


def parse_version(text: str) -> ServerVersion:
    """Reads the version of the greeting: `9.7.4`, `8.0.36-28`, `5.5.5-10.11.19-MariaDB-deb12`."""
    mariadb = "mariadb" in text.lower()
    # MariaDB before 11 puts 5.5.5- before its own version, for old replicas.
    plain = text.removeprefix("5.5.5-") if mariadb else text
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", plain)
    number = tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return ServerVersion(Flavour.MARIADB if mariadb else Flavour.MYSQL, (number[0], number[1], number[2]))


def identity(db: MySQL) -> ServerIdentity:
    """Reads who a server is and what it does; raises Unreadable."""
    name = "CONCAT(@@server_id, '@', @@hostname, ':', @@port)" if db.version.is_mariadb else "@@server_uuid"
    row = db.rows(f"SELECT {name} AS name, @@GLOBAL.read_only AS ro")[0]
    status = replica_status(db)
    dumps = db.rows(
        f"SELECT COUNT(*) AS dumps FROM {processlist(db.version)} WHERE COMMAND LIKE 'Binlog Dump%'"  # noqa: S608
    )
    return ServerIdentity(
        server_uuid=str(row["name"]),
        read_only=bool(int(row["ro"])),
        is_replica=status.configured,
        source=f"{status.source_host}:{status.source_port}" if status.configured else "",
        connected_replicas=int(dumps[0]["dumps"]),
    )


@contextmanager
def _connect(
    host: str, port: int, user: str, password: str, *, read_timeout: float
) -> Iterator[Connection[DictCursor]]:
    try:
        connection: Connection[DictCursor] = pymysql.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=2,
            read_timeout=read_timeout,
            write_timeout=2,
            cursorclass=DictCursor,
            program_name="firstmate",
            local_infile=False,
        )
    except (pymysql.MySQLError, OSError, RuntimeError) as error:
        raise Unreachable(_says_connect(error, host, port, user)) from error
    try:
        yield connection
    finally:
        connection.close()


def _prepare(connection: Connection[DictCursor], reader: MySQLReader, settings: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(settings)
    except pymysql.MySQLError as error:
        raise Unreachable(_says_query(error, reader.address, settings)) from error


def _code(error: Exception) -> tuple[int, str]:
    arguments: tuple[Any, ...] = error.args
    code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return code, str(arguments[-1]) if arguments else type(error).__name__


def _says_connect(error: Exception, host: str, port: int, user: str) -> str:
    """What was wrong with a connection, and what to do next; never the password."""
    code, text = _code(error)
    where = f"{host}:{port}"
    if code == 1045:
        return f"{where} refuses the user {user}: its password or its host is wrong. Mend the secret or the account."
    if code == 1040:
        return f"{where} is up but full (error 1040, too many connections), so {user} cannot look. It is not down."
    if code in (2003, 2002):
        return f"{where} does not accept connections ({text}). Look whether the host and mysqld are up."
    if code == 1130:
        return f"{where} does not let this host in (error 1130). Grant {user} access from here."
    return f"{where} cannot be used as {user}: {text} (error {code})."


def _says_query(error: Exception, address: str, sql: str) -> str:
    code, text = _code(error)
    asked = " ".join(sql.split())[:60]
    if code in (1142, 1143, 1227, 1044):
        return f"{address} denies it ({text}). Grant the privilege; asked was {asked!r}."
    if code in (3024, 1969):
        return f"{address} took longer than allowed over {asked!r} and was stopped."
    if code in (2013, 2006):
        return f"{address} was cut off or did not answer in time over {asked!r}."
    return f"{address} answered error {code} over {asked!r}: {text[:200]}"
