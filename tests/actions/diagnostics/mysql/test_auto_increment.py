"""mysql.auto_increment: which tables run out of numbers."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.auto_increment import auto_increment, greatest
from bot.lab.connections import administrator, ask
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

COLUMN = {"db": "shop", "name": "orders", "col": "id", "type": "int"}


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("tinyint", 127),
        ("tinyint(4) unsigned", 255),
        ("smallint", 32_767),
        ("mediumint(8) unsigned", 16_777_215),
        ("int", 2_147_483_647),
        ("INT(10) UNSIGNED", 4_294_967_295),
        ("bigint(20)", 9_223_372_036_854_775_807),
        ("bigint unsigned", 18_446_744_073_709_551_615),
        ("double", 0),
    ],
)
def test_the_largest_number_of_each_type(kind, most):
    assert greatest(kind) == most


@pytest.mark.parametrize(
    ("version", "table"),
    [
        (MYSQL_57, "INNODB_SYS_TABLESTATS"),
        (MYSQL_97, "INNODB_TABLESTATS"),
        (MARIADB_1011, "INNODB_SYS_TABLESTATS"),
    ],
    ids=str,
)
def test_the_next_number_is_innodb_s_own(version, table):
    db = Recorded(
        version,
        {
            f"information_schema.{table} ": [
                {"name": "shop/orders", "next": 2_000_000_000},
                {"name": "a/b", "next": 9},
            ],
            "information_schema.COLUMNS": [COLUMN, {**COLUMN, "name": "young"}],
        },
    )
    found = auto_increment(db, above=80.0)
    (table_found,) = found.tables
    assert (table_found.table, table_found.used, table_found.next) == ("shop.orders", 93.13, 2_000_000_000)
    assert (found.known, found.exhausted) == (1, ())


def test_the_fullest_partition_counts():
    db = Recorded(
        MYSQL_97,
        {
            "TABLESTATS": [
                {"name": "shop/orders#p#p1", "next": 2_147_483_647},
                {"name": "shop/orders#p#p0", "next": 90},
            ],
            "information_schema.COLUMNS": [COLUMN],
        },
    )
    assert [each.table for each in auto_increment(db).exhausted] == ["shop.orders"]


@pytest.mark.lab
def test_a_real_table_that_is_nearly_full(notes, primary):
    with administrator(primary) as admin:
        ask(admin, "CREATE TABLE IF NOT EXISTS shop.few (id TINYINT AUTO_INCREMENT PRIMARY KEY, n INT)")
        ask(admin, "REPLACE INTO shop.few VALUES (120, 1)")
    with reader(notes, primary) as db:
        found = auto_increment(db, above=80.0)
    with administrator(primary) as admin:
        ask(admin, "DROP TABLE shop.few")
    assert [(each.table, each.column, each.next) for each in found.tables] == [("shop.few", "id", 121)]
    assert found.known >= 2
