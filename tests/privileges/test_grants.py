"""SHOW GRANTS, as each server writes it."""

from __future__ import annotations

import pytest

from bot.privileges.grants import ALL, EVERYWHERE, Held, Privilege, Scope, account_name, parse
from tests.privileges.recorded import HASH, MARIADB_118, USERS

SHOP = Scope("shop")
ORDERS = Scope("shop", "orders")


def held(*lines: str, account: str = "u@%") -> Held:
    return parse(account, lines)


@pytest.mark.parametrize(
    ("line", "privileges"),
    [
        ("GRANT USAGE ON *.* TO 'u'@'%'", []),
        ("GRANT SELECT, REPLICATION CLIENT ON *.* TO 'u'@'%'", [Privilege("REPLICATION CLIENT"), Privilege("SELECT")]),
        ("GRANT BINLOG_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%`",
         [Privilege("BINLOG_ADMIN"), Privilege("XA_RECOVER_ADMIN")]),
        ("GRANT ALL PRIVILEGES ON *.* TO `u`@`%`", [Privilege(ALL)]),
        ("GRANT ALL ON shop.* TO u", [Privilege(ALL, SHOP)]),
        ("GRANT SELECT ON `shop`.* TO `u`@`%`", [Privilege("SELECT", SHOP)]),
        ("GRANT SELECT ON \"shop\".\"orders\" TO \"u\"@\"%\"", [Privilege("SELECT", ORDERS)]),
        ("GRANT SELECT ON TABLE `shop`.`orders` TO `u`@`%`", [Privilege("SELECT", ORDERS)]),
        ("GRANT SELECT (`a`, `ON`), INSERT (`a`) ON `shop`.`orders` TO `u`@`%`",
         [Privilege("INSERT", ORDERS, ("a",)), Privilege("SELECT", ORDERS, ("a", "ON"))]),
        ("GRANT SELECT ON `we``ird`.`a.b` TO `u`@`%`", [Privilege("SELECT", Scope("we`ird", "a.b"))]),
        ("GRANT SELECT ON `TO`.* TO `u`@`%`", [Privilege("SELECT", Scope("TO"))]),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`tidy` TO `u`@`%`",
         [Privilege("EXECUTE", Scope("shop", "tidy", "PROCEDURE"))]),
        ("GRANT EXECUTE ON PACKAGE BODY `shop`.`tidy` TO `u`@`%`",
         [Privilege("EXECUTE", Scope("shop", "tidy", "PACKAGE BODY"))]),
        ("GRANT PROXY ON ''@'' TO 'u'@'%' WITH GRANT OPTION", [Privilege("PROXY", Scope("", "", "PROXY"), (), True)]),
        ("GRANT SELECT ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*WITH GRANT OPTION'", [Privilege("SELECT")]),
        ("GRANT SELECT ON *.* TO `u`@`%` REQUIRE SSL WITH GRANT OPTION MAX_USER_CONNECTIONS 5",
         [Privilege("SELECT", grantable=True)]),
        ("GRANT REPLICA MONITOR, REPLICATION REPLICA ADMIN ON *.* TO u",
         [Privilege("REPLICATION SLAVE ADMIN"), Privilege("SLAVE MONITOR")]),
    ],
)  # fmt: skip
def test_a_line_is_its_privileges(line: str, privileges: list[Privilege]):
    found = held(line)
    assert sorted(found.privileges) == privileges
    assert found.unread == 0


def test_the_hash_of_a_password_is_not_kept():
    reader, changer = USERS[MARIADB_118]
    assert HASH in reader[0]
    assert HASH not in repr(held(*reader)) + repr(held(*changer))


@pytest.mark.parametrize(
    ("granted", "where"),
    [
        ("*.*", ["*.*", "shop.*", "shop.orders", "performance_schema.*"]),
        ("`shop`.*", ["shop.*", "shop.orders"]),
        ("`shop`.`orders`", ["shop.orders"]),
        ("`sho_`.*", ["shop.*", "shop.orders"]),
        ("`sh%`.*", ["shop.*", "shop.orders"]),
        ("`performance\\_schema`.*", ["performance_schema.*"]),
        ("`sh\\%`.*", []),
    ],
)
def test_a_grant_covers_what_lies_within(granted: str, where: list[str]):
    found = held(f"GRANT SELECT ON {granted} TO `u`@`%`")
    places = [EVERYWHERE, SHOP, ORDERS, Scope("performance_schema")]
    assert [str(place) for place in places if found.has({"SELECT"}, place)] == where


def test_a_privilege_on_columns_is_none_on_the_table():
    assert not held("GRANT SELECT (`a`) ON `shop`.`orders` TO `u`@`%`").has({"SELECT"}, ORDERS)


def test_a_procedure_is_no_table():
    assert not held("GRANT EXECUTE ON PROCEDURE `shop`.`orders` TO `u`@`%`").has({"EXECUTE"}, ORDERS)


def test_a_partial_revoke_takes_a_database_from_what_is_held_everywhere():
    everywhere = "GRANT SELECT, REFERENCES ON *.* TO `u`@`%`"
    found = held(everywhere, "REVOKE SELECT ON `performance_schema`.* FROM `u`@`%`")
    there = Scope("performance_schema")
    assert not found.has({"SELECT"}, there)
    assert found.has({"REFERENCES"}, there)
    assert found.has({"SELECT"}, SHOP)
    again = held(everywhere, "REVOKE SELECT ON `performance_schema`.* FROM `u`@`%`",
                 "GRANT SELECT ON `performance_schema`.* TO `u`@`%`")  # fmt: skip
    assert again.has({"SELECT"}, there)


def test_the_roles_of_mysql_may_be_where_a_privilege_comes_from():
    found = held("GRANT PROCESS ON *.* TO `u`@`%`", "GRANT `look`@`%`,`o``dd`@`%` TO `u`@`%`")
    assert found.roles == ("`look`@`%`", "`o``dd`@`%`")
    assert found.borrowed


def test_a_role_of_mariadb_has_its_privileges_under_its_own_name():
    found = held(
        "GRANT `look` TO `u`@`%`",
        f"GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '{HASH}'",
        "GRANT `deeper` TO `look`",
        "GRANT PROCESS ON *.* TO `look`",
        "GRANT SELECT ON `shop`.* TO `deeper`",
        "SET DEFAULT ROLE `look` FOR `u`@`%`",
    )
    assert found.roles == ("`look`",)
    assert found.has({"PROCESS"}, EVERYWHERE)
    assert found.has({"SELECT"}, SHOP)
    assert (found.borrowed, found.unread) == (True, 0)


def test_what_is_granted_to_all_cannot_be_taken_from_one():
    assert held("GRANT PROCESS ON *.* TO `u`@`%`", "GRANT INSERT ON `shop`.* TO PUBLIC").borrowed
    assert not held("GRANT PROCESS ON *.* TO `u`@`%`", "GRANT `asleep` TO `u`@`%`").borrowed


@pytest.mark.parametrize("line", ["", "DENY SELECT ON *.* TO `u`@`%`", "GRANT SELECT ON *.*", "GRANT", "'"])
def test_a_line_that_is_none_is_counted(line: str):
    assert held(line, "GRANT PROCESS ON *.* TO `u`@`%`") == Held("u@%", (Privilege("PROCESS"),), unread=1)


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("firstmate_reader@10.0.0.%", "'firstmate_reader'@'10.0.0.%'"),
        ("a@b@%", "'a@b'@'%'"),
        ("o'brien@%", "`o'brien`@'%'"),
        ("x'@'%'; DROP TABLE t; -- @%", "`x'@'%'; DROP TABLE t; -- `@'%'"),
        ("back`tick@%", "`back``tick`@'%'"),
        ("back\\slash@%", "`back\\slash`@'%'"),
        ("@localhost", "''@'localhost'"),
    ],
)
def test_an_account_is_quoted_so_that_nothing_of_it_is_more_than_a_name(account: str, name: str):
    assert account_name(account) == name
