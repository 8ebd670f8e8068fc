"""Opens connections that speak MySQL's protocol: over the ordinary port or the spare one, each wait bounded."""

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

if TYPE_CHECKING:
    _Connection = Connection[SSDictCursor]
else:
    _Connection = Connection  # generic for mypy alone

CONNECT_WITHIN = 2.0
"""Seconds for the connection, and as many for each answer until the login is done."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server answers, and as whom to ask it.

    `spare_port` is MySQL's admin_port or MariaDB's extra_port, tried when all connections are taken; None where there
    is none. MySQL's needs SERVICE_CONNECTION_ADMIN.
    """

    host: str
    port: int
    user: str
    password: str
    spare_port: int | None = None
    ca: Path | None = None
    """The authority that its certificate must be of; without one nothing is checked."""
    verify_identity: bool = True
    """Whether its certificate must be for its host, too."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Server({self.user}@{self.address})"


@contextmanager
def connect(server: Server, *, read_timeout: Seconds) -> Iterator[Connection[SSDictCursor]]:
    """A connection for as long as it is needed; raises Unreachable with what was wrong."""
    connection = _open(server, read_timeout)
    try:
        yield connection
    finally:
        with suppress(pymysql.MySQLError, OSError):  # it is closed already where it was cut off
            connection.close()


def _open(server: Server, read_timeout: Seconds) -> Connection[SSDictCursor]:
    """Opens a connection; where the server is full, over its spare port."""
    try:
        return _dial(server, server.port, read_timeout)
    except (pymysql.MySQLError, OSError, RuntimeError, ValueError) as error:
        failed: Exception = error
    if failures.code_of(failed) == failures.FULL and server.spare_port is not None:
        try:
            return _dial(server, server.spare_port, read_timeout)
        except (pymysql.MySQLError, OSError, RuntimeError) as error:
            raise Unreachable(
                f"{server.address} is up but full (error 1040), and over its spare port: "
                f"{failures.connecting(error, server.host, server.spare_port, server.user)}"
            ) from error
    raise Unreachable(failures.connecting(failed, server.host, server.port, server.user)) from failed


def refusal(server: Server, timeout: Seconds) -> tuple[int, str]:
    """With which error, by number and in words, a server turns the user away at its port; (0, "") if it does not.

    What went wrong on the way, such as a time-out, has no number of the server's and is 0 with its words.
    """
    try:
        _dial(server, server.port, timeout).close()
    except (pymysql.MySQLError, OSError, RuntimeError, ValueError) as error:
        code = failures.code_of(error)
        return (0 if code in failures.OF_THE_CLIENT else code), failures.text_of(error)
    return 0, ""


class _Dialled(_Connection):
    """A connection that makes no TLS context of its own.

    PyMySQL reads all certificates of the system for each one, some 40 ms of processor, and then verifies none of them.
    """

    def patient(self, seconds: Seconds) -> _Dialled:
        """Waits so long for an answer from now on; until then it was the login that was waited for."""
        self._read_timeout = seconds
        return self

    def _create_ssl_ctx(self, sslp: ssl.SSLContext | dict[str, Any]) -> ssl.SSLContext:
        return sslp if isinstance(sslp, ssl.SSLContext) else _OPPORTUNISTIC


def _opportunistic() -> ssl.SSLContext:
    """TLS with every server that offers it, whoever it is, as PyMySQL does it where nothing else is asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


_OPPORTUNISTIC = _opportunistic()


def _trusting(ca: Path, verify_identity: bool) -> ssl.SSLContext:
    """TLS with servers alone whose certificate is of this authority; raises ConfigError where that cannot be read."""
    try:
        return _trusting_as_of(ca, ca.stat().st_mtime_ns, verify_identity)
    except OSError as error:  # of ssl, too: what is in the file is no certificate
        raise ConfigError(f"The authority {ca} cannot be read ({error}). Mend `ca` of the user.") from error


@lru_cache(maxsize=32)
def _trusting_as_of(ca: Path, changed: int, verify_identity: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify_identity
    context.load_verify_locations(cafile=ca)
    return context


def _dial(server: Server, port: int, read_timeout: Seconds) -> Connection[SSDictCursor]:
    # A context of its own is what PyMySQL takes for TLS that is required.
    trusting = _trusting(server.ca, server.verify_identity) if server.ca is not None else None
    # A server that takes connections and does not greet is given up as soon as one that does not take them.
    dialled = _Dialled(
        host=server.host,
        port=port,
        user=server.user,
        password=server.password,
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
    return dialled.patient(read_timeout)


def end_session(server: Server, connection: Connection[SSDictCursor]) -> None:
    """Ends the session whose answer did not come in time.

    The server notices a client that went away only when it answers; until then each look would leave one more session
    waiting. A session may end another of its own user without any privilege.
    """
    thread = connection.thread_id()  # type: ignore[no-untyped-call]
    with suppress(pymysql.MySQLError, OSError, RuntimeError):
        other = _dial(server, server.port, CONNECT_WITHIN)
        try:
            with other.cursor() as cursor:
                cursor.execute(f"KILL {int(thread)}")
        finally:
            other.close()
