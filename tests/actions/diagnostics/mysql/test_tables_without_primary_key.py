"""mysql.tables_without_primary_key: tables that a replica reads whole for each row that changed."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.tables_without_primary_key import tables_without_primary_key
from bot.lab.connections import administrator, ask
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
def test_it_is_costly_and_says_so(version):
    db = Recorded(version, {"TABLE_CONSTRAINTS": [{"db": "shop", "name": "log", "n": 900}]})
    found = tables_without_primary_key(db)
    assert [(each.table, each.rows) for each in found.tables] == [("shop.log", 900)]
    assert db.costly == 1


@pytest.mark.lab
def test_a_real_table(notes, primary):
    with administrator(primary) as admin:
        ask(admin, "CREATE TABLE IF NOT EXISTS shop.keyless (n INT)")
        ask(admin, "CREATE TABLE IF NOT EXISTS shop.unique_only (n INT NOT NULL UNIQUE)")
    with reader(notes, primary) as db:
        found = tables_without_primary_key(db)
    with administrator(primary) as admin:
        ask(admin, "DROP TABLE shop.keyless, shop.unique_only")
    assert [each.table for each in found.tables] == ["shop.keyless"]
