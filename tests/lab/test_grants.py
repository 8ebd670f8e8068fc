"""The rights of Firstmate's users: no more than their work takes, shown on the servers themselves."""

from __future__ import annotations

import pymysql
import pytest

from bot.lab.client import ask, connect
from bot.lab.grants import CHANGER, READER, statements
from bot.lab.state import LabState

pytestmark = pytest.mark.lab

DENIED = {1044, 1142, 1227, 1290, 1095, 1045}
"""Access denied: to a schema, a table, by privilege, read only, to a session, at all."""

WRITES = [
    "INSERT INTO shop.heartbeat VALUES (1, NOW())",
    "UPDATE shop.orders SET status = 'x'",
    "DELETE FROM mysql.user",
    "CREATE TABLE shop.mine (id INT)",
    "DROP TABLE shop.orders",
    "TRUNCATE TABLE shop.orders",
    "CREATE USER 'eve'@'%'",
    "GRANT ALL ON *.* TO 'firstmate_reader'@'%'",
    "FLUSH TABLES WITH READ LOCK",
    "SELECT * FROM shop.orders",
    "SELECT * FROM mysql.user",
    "SELECT 1 INTO OUTFILE '/tmp/firstmate'",
]
CHANGES = ["SET GLOBAL max_connections = 99", "STOP REPLICA", "KILL QUERY 1"]


@pytest.mark.parametrize("name", ["orders-1", "billing-1"])
@pytest.mark.parametrize("user", [READER, CHANGER])
@pytest.mark.parametrize("sql", WRITES)
def test_neither_user_may_read_or_write_what_belongs_to_others(lab: LabState, name: str, user: str, sql: str):
    instance = lab.instance(name)
    connection = connect(instance.host, instance.port, lab.users[user])
    with connection, pytest.raises(pymysql.err.MySQLError) as refused:
        ask(connection, sql)
    assert refused.value.args[0] in DENIED, refused.value


@pytest.mark.parametrize("name", ["orders-1", "billing-1"])
@pytest.mark.parametrize("sql", CHANGES)
def test_the_reader_may_change_nothing(lab: LabState, name: str, sql: str):
    instance = lab.instance(name)
    connection = connect(instance.host, instance.port, lab.users[READER])
    with connection, pytest.raises(pymysql.err.MySQLError) as refused:
        ask(connection, sql)
    assert refused.value.args[0] in DENIED | {1094}, refused.value


def test_a_password_that_would_leave_its_quotes_is_refused():
    with pytest.raises(ValueError, match="letters and digits"):
        statements("mysql", READER, "x' OR 1")
