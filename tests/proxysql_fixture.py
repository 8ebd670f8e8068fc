"""The stand-in for ProxySQL, with one writer and two readers behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from bot.fleet.mysql_connections import Server
from bot.fleet.proxysql_sessions import ProxySQLChanger, ProxySQLReader, open_changer, open_reader
from bot.lab.proxysql.admin import Admin
from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS, ProxySQLServer

WRITERS, READERS = 10, 20
WRITER = (WRITERS, "db1", 3306)
READER, OTHER = (READERS, "db2", 3306), (READERS, "db3", 3306)


@pytest.fixture
def proxysql() -> Iterator[ProxySQLServer]:
    """One of a test's own: hostgroup 10 is that of writers, 20 that of readers."""
    admin = Admin([WRITER, READER, OTHER], [(WRITERS, READERS)])
    with ProxySQLServer(admin) as server:
        yield server
    admin.close()


def reader(server: ProxySQLServer) -> AbstractContextManager[ProxySQLReader]:
    """Reads as the user of the statistics."""
    return open_reader(Server("127.0.0.1", server.port, STATS, PASSWORDS[STATS]))


def changer(server: ProxySQLServer) -> AbstractContextManager[ProxySQLChanger]:
    """Changes as the user that may."""
    return open_changer(Server("127.0.0.1", server.port, ADMIN, PASSWORDS[ADMIN]))
