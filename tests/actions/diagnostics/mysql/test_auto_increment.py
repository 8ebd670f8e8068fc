"""mysql.auto_increment: which tables run out of numbers."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.auto_increment import MOST_OPENED, MOST_TABLES, auto_increment, greatest
from bot.lab.connections import administrator, ask
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded, named

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


def server(version, *, tables=("orders",), watched="ON", **answers):
    return Recorded(
        version,
        {
            "GLOBAL VARIABLES": named(performance_schema=watched),
            "UNION ALL": [],
            "JOIN information_schema.COLUMNS": [{**COLUMN, "next": 2_000_000_000}],
            "table_io_waits": [{"db": "shop", "name": name} for name in tables],
            "innodb_table_stats": [{"db": "shop", "name": name} for name in tables],
            "information_schema.COLUMNS": [COLUMN, {**COLUMN, "name": "young"}],
            "information_schema.TABLES": [{"name": "orders", "next": 2_000_000_000}],
            "REF_NAME": [],
            **answers,
        },
    )


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97, MARIADB_1011], ids=str)
@pytest.mark.parametrize(("watched", "source"), [("ON", "table_io_waits"), ("OFF", "mysql.innodb_table_stats")])
def test_the_tables_in_use_are_compared(version, watched, source):
    db = server(version, watched=watched)
    found = auto_increment(db, above=80.0)
    (table_found,) = found.tables
    assert (table_found.table, table_found.used, table_found.next) == ("shop.orders", 93.13, 2_000_000_000)
    assert (found.known, found.exhausted, found.complete) == (1, (), True)
    assert any(source in sql for sql, _ in db.asked)


def test_without_inserts_the_largest_are_compared():
    db = server(MYSQL_97, table_io_waits=[])
    assert auto_increment(db).known == 1


@pytest.mark.parametrize(("version", "most"), [(MYSQL_97, MOST_TABLES), (MARIADB_1011, MOST_OPENED)], ids=str)
def test_more_tables_than_are_compared_are_never_an_all_clear(version, most):
    exactly = auto_increment(server(version, tables=[f"t{number}" for number in range(most)]))
    more = auto_increment(server(version, tables=[f"t{number}" for number in range(most + 1)]))
    assert (exactly.complete, more.complete) == (True, False)


def test_partitions_are_one_table():
    db = server(MYSQL_97, tables=["orders#p#p1", "orders#p#p0"])
    auto_increment(db)
    assert [params for sql, params in db.asked if "TABLES" in sql] == [("shop", "orders")]


@pytest.mark.parametrize(
    ("version", "name"),
    [(MYSQL_57, "INNODB_SYS_FOREIGN f"), (MYSQL_97, "INNODB_FOREIGN f"), (MARIADB_1011, "INNODB_SYS_FOREIGN f")],
    ids=str,
)
def test_columns_that_refer_to_the_fullest_one(version, name):
    db = server(version, REF_NAME=[{"child": "shop/items", "col": "order_id"}])
    assert auto_increment(db, above=80.0).tables[0].referring == ("shop.items.order_id",)
    asked = next((sql, params) for sql, params in db.asked if "REF_NAME" in sql)
    assert name in asked[0]
    assert asked[1] == ("shop/orders", "id")


@pytest.mark.lab
def test_a_real_column_that_refers_to_one_that_is_nearly_full(notes, primary):
    with administrator(primary) as admin:
        ask(admin, "CREATE TABLE IF NOT EXISTS shop.few2 (id TINYINT AUTO_INCREMENT PRIMARY KEY)")
        ask(admin, "CREATE TABLE shop.child (few TINYINT, FOREIGN KEY (few) REFERENCES shop.few2 (id))")
        ask(admin, "REPLACE INTO shop.few2 VALUES (126)")
    with reader(notes, primary) as db:
        found = auto_increment(db, above=80.0)
    with administrator(primary) as admin:
        ask(admin, "DROP TABLE shop.child, shop.few2")
    assert [(each.table, each.referring) for each in found.tables] == [("shop.few2", ("shop.child.few",))]


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


@pytest.mark.lab
def test_no_other_table_is_opened(notes, primary):
    with administrator(primary) as admin:
        ask(admin, "CREATE TABLE IF NOT EXISTS shop.cold (id INT AUTO_INCREMENT PRIMARY KEY)")
        ask(admin, "FLUSH TABLES")
        with reader(notes, primary) as db:
            auto_increment(db)
        open_now = {row["Table"] for row in ask(admin, "SHOW OPEN TABLES FROM shop")}
        ask(admin, "DROP TABLE shop.cold")
    assert "cold" not in open_now
