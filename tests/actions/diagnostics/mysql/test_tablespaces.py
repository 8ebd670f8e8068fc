"""mysql.tablespaces: what takes the room, without opening a table."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.tablespaces import Tablespaces, tablespaces
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_80, MYSQL_97, Recorded

ROWS = [
    {"name": "shop/orders#p#p0", "size": 900},
    {"name": "innodb_undo_001", "size": 500},
    {"name": "shop/temp_orders", "size": 300},
    {"name": "innodb_temporary", "size": 200},
    {"name": "mysql", "size": 100},
]


@pytest.mark.parametrize(
    ("version", "table"),
    [
        (MYSQL_57, "INNODB_SYS_TABLESPACES"),
        (MYSQL_80, "INNODB_TABLESPACES"),
        (MYSQL_97, "INNODB_TABLESPACES"),
        (MARIADB_1011, "INNODB_SYS_TABLESPACES"),
    ],
    ids=str,
)
def test_files_by_kind(version, table):
    sessions = [{"id": 41, "size": 50}, {"id": 42, "size": 20}]
    db = Recorded(version, {"SESSION_TEMP": sessions, f"information_schema.{table} ": ROWS})
    found = tablespaces(db)
    assert [(each.name, each.size) for each in found.largest] == [("shop.orders#p#p0", 900), ("shop.temp_orders", 300)]
    assert (found.tables, found.undo) == (1200, 500)
    tells = not version.is_mariadb and version.at_least(8, 0, 16)
    assert (found.temporary, found.busiest_session) == ((270, 41) if tells else (200, 0))


def test_none():
    assert tablespaces(Recorded(MYSQL_57, {"SYS_TABLESPACES": []})) == Tablespaces()


@pytest.mark.lab
def test_real_servers(notes, server):
    with reader(notes, server) as db:
        found = tablespaces(db)
    names = [each.name for each in found.largest]
    assert "shop.notes" in names
    assert found.tables > 0
    assert found.undo > 0 or server.name in ("billing-1",)  # 10.11 keeps it in the system tablespace
