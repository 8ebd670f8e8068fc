"""Opens connections with MySQL's protocol, over the regular port or the spare port, each wait with a timeout."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import SSDictCursor

from actions.contract import Seconds
from bot.errors import ConfigError, Unreachable
from bot.fleet import connection_errors as failures
from bot.fleet.lenient_text import LENIENT

if TYPE_CHECKING:
    _Connection = Connection[SSDictCursor]
else:
    _Connection = Connection  # generic only for mypy

CONNECT_WITHIN = 2.0
"""Seconds until the connection times out, and each answer until the login is complete."""


@dataclass(frozen=True, slots=True)
class Server:
    """The address of a server, and the user to connect as.

    `spare_port` is MySQL's admin_port or MariaDB's extra_port, used when all connections are in use. MySQL's requires
    SERVICE_CONNECTION_ADMIN.
    """

    host: str
    port: int
    user: str
    password: str
    spare_port: int | None = None
    ca: Path | None = None
    """The authority of its certificate; without it the certificate is not verified."""
    verify_identity: bool = True
    """Whether its certificate must also match its host name."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Server({self.user}@{self.address})"


@contextmanager
def connect(
    server: Server, *, read_timeout: Seconds, database: str | None = None
) -> Iterator[Connection[SSDictCursor]]:
    """Opens a connection, with a default database if one is given, and closes it at the end; raises Unreachable with
    the reason."""
    connection = _open(server, read_timeout, database)
    try:
        yield connection
    finally:
        with suppress(pymysql.MySQLError, OSError):  # it may be closed already
            connection.close()


def _open(server: Server, read_timeout: Seconds, database: str | None = None) -> Connection[SSDictCursor]:
    """Opens a connection, over the spare port if all connections are in use."""
    try:
        return _dial(server, server.port, read_timeout, database)
    except (pymysql.MySQLError, OSError, RuntimeError, ValueError) as error:
        failed: Exception = error
    if failures.code_of(failed) == failures.FULL and server.spare_port is not None:
        try:
            return _dial(server, server.spare_port, read_timeout, database)
        except (pymysql.MySQLError, OSError, RuntimeError) as error:
            raise Unreachable(
                f"{server.address} is up, but all of its connections are in use (error 1040). Over its spare port: "
                f"{failures.connecting(error, server.host, server.spare_port, server.user)}"
            ) from error
    raise Unreachable(failures.connecting(failed, server.host, server.port, server.user)) from failed


def refusal(server: Server, timeout: Seconds) -> tuple[int, str]:
    """Returns the number and message of the error with which a server refuses a login; (0, "") if it accepts it.

    Errors of the client, such as a timeout, have the number 0 and their message.
    """
    try:
        _dial(server, server.port, timeout).close()
    except (pymysql.MySQLError, OSError, RuntimeError, ValueError) as error:
        code = failures.code_of(error)
        return (0 if code in failures.OF_THE_CLIENT else code), failures.text_of(error)
    return 0, ""


class _ConnectionWithTlsContext(_Connection):
    """A connection with a TLS context that is created once.

    PyMySQL loads all system certificates for each connection, about 40 ms of CPU time, and then verifies nothing.
    """

    def with_read_timeout(self, seconds: Seconds) -> _ConnectionWithTlsContext:
        """Sets the timeout of answers after the login."""
        self._read_timeout = seconds
        return self

    def _create_ssl_ctx(self, sslp: ssl.SSLContext | dict[str, Any]) -> ssl.SSLContext:
        return sslp if isinstance(sslp, ssl.SSLContext) else _OPPORTUNISTIC


def _opportunistic() -> ssl.SSLContext:
    """Returns a context for TLS without verification, as PyMySQL uses by default."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_OPPORTUNISTIC = _opportunistic()


def _trusting(ca: Path, verify_identity: bool) -> ssl.SSLContext:
    """Returns a context that verifies certificates by this authority; raises ConfigError if it cannot be read."""
    try:
        return _trusting_as_of(ca, ca.stat().st_mtime_ns, verify_identity)
    except OSError as error:  # also ssl.SSLError: the file is not a certificate
        raise ConfigError(
            f"The certificate authority {ca} cannot be read ({error}). Correct `ca` of the user in firstmate.yml."
        ) from error


@lru_cache(maxsize=32)
def _trusting_as_of(ca: Path, changed: int, verify_identity: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify_identity
    context.load_verify_locations(cafile=ca)
    return context


def _dial(server: Server, port: int, read_timeout: Seconds, database: str | None = None) -> Connection[SSDictCursor]:
    # PyMySQL requires TLS if it is given a context.
    trusting = _trusting(server.ca, server.verify_identity) if server.ca is not None else None
    # A server that accepts a connection but sends no greeting times out like one that accepts none.
    connection = _ConnectionWithTlsContext(
        host=server.host,
        port=port,
        user=server.user,
        password=server.password,
        database=database,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=CONNECT_WITHIN,
        read_timeout=min(CONNECT_WITHIN, read_timeout),
        write_timeout=CONNECT_WITHIN,
        cursorclass=SSDictCursor,
        program_name="firstmate",
        local_infile=False,
        ssl=trusting,
    )
    connection.encoding = LENIENT
    return connection.with_read_timeout(read_timeout)


def kill_late_session(server: Server, connection: Connection[SSDictCursor]) -> None:
    """Kills the session whose answer did not come in time.

    The server notices a disconnected client only when it answers; until then each read would leave one more session
    behind. A user may kill its own sessions without any privilege. On a full server the kill takes the spare port.
    """
    thread = connection.thread_id()  # type: ignore[no-untyped-call]
    with suppress(pymysql.MySQLError, OSError, RuntimeError, Unreachable):
        other = _open(server, CONNECT_WITHIN)
        try:
            with other.cursor() as cursor:
                cursor.execute(f"KILL {int(thread)}")
        finally:
            other.close()
