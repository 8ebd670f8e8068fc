"""Opens connections to the lab's own database servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor

from bot.lab.lab_state import LabInstance, LabState, Login

Rows = list[dict[str, Any]]


def connect(
    host: str, port: int, login: Login, database: str | None = None, timeout: float | None = None
) -> Connection[DictCursor]:
    """Opens a connection with autocommit on; `timeout` limits each statement, in seconds (None: no limit).

    It uses no TLS: the lab's servers listen on the loopback address only, and PyMySQL would load all certificates of
    the system for each connection, about 40 ms of CPU time.
    """
    return pymysql.connect(
        host=host,
        port=port,
        user=login.user,
        password=login.password,
        database=database,
        autocommit=True,
        connect_timeout=5,
        read_timeout=timeout,
        cursorclass=DictCursor,
        ssl_disabled=True,
    )


@contextmanager
def administrator(instance: LabInstance) -> Iterator[Connection[DictCursor]]:
    """Opens a connection as administrator over the spare port, which works when all connections are taken."""
    connection = connect(instance.host, instance.spare_port, Login(instance.user, instance.password), timeout=60.0)
    try:
        yield connection
    finally:
        connection.close()


def session(state: LabState, instance: LabInstance, user: str) -> Connection[DictCursor]:
    """Opens a connection as one of the lab's users, in the application's schema."""
    return connect(instance.host, instance.port, state.users[user], _schema(state, instance))


def _schema(state: LabState, instance: LabInstance) -> str:
    """Returns `shop`; on a tablet's MySQL the schema of the keyspace, and through vtgate the keyspace."""
    if state.vitess is None:
        return "shop"
    return f"vt_{state.vitess.keyspace}" if instance in state.instances else state.vitess.keyspace


def ask(connection: Connection[DictCursor], sql: str, values: Sequence[object] = ()) -> Rows:
    """Runs one statement with bound values and returns its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, tuple(values) or None)
        return list(cursor.fetchall())
