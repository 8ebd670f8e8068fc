"""Parsing the output of SHOW GRANTS of each server."""

from __future__ import annotations

import pytest

from bot.privileges.grant_parser import (
    ALL,
    EVERYWHERE,
    AccountPrivileges,
    Privilege,
    PrivilegeScope,
    account_name,
    parse,
)
from tests.privileges.recorded import HASH, MARIADB_118, USERS

SHOP = PrivilegeScope("shop")
ORDERS = PrivilegeScope("shop", "orders")


def held(*lines: str, account: str = "u@%") -> AccountPrivileges:
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
        ("GRANT SELECT ON `we``ird`.`a.b` TO `u`@`%`", [Privilege("SELECT", PrivilegeScope("we`ird", "a.b"))]),
        ("GRANT SELECT ON `TO`.* TO `u`@`%`", [Privilege("SELECT", PrivilegeScope("TO"))]),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`tidy` TO `u`@`%`",
         [Privilege("EXECUTE", PrivilegeScope("shop", "tidy", "PROCEDURE"))]),
        ("GRANT EXECUTE ON PACKAGE BODY `shop`.`tidy` TO `u`@`%`",
         [Privilege("EXECUTE", PrivilegeScope("shop", "tidy", "PACKAGE BODY"))]),
        ("GRANT PROXY ON ''@'' TO 'u'@'%' WITH GRANT OPTION",
         [Privilege("PROXY", PrivilegeScope("", "", "PROXY"), (), True)]),
        ("GRANT SELECT ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*WITH GRANT OPTION'", [Privilege("SELECT")]),
        ("GRANT SELECT ON *.* TO `u`@`%` REQUIRE SSL WITH GRANT OPTION MAX_USER_CONNECTIONS 5",
         [Privilege("SELECT", grantable=True)]),
        ("GRANT REPLICA MONITOR, REPLICATION REPLICA ADMIN ON *.* TO u",
         [Privilege("REPLICATION SLAVE ADMIN"), Privilege("SLAVE MONITOR")]),
    ],
)  # fmt: skip
def test_the_privileges_of_a_line_are_parsed(line: str, privileges: list[Privilege]):
    found = held(line)
    assert sorted(found.privileges) == privileges
    assert found.unread == 0


def test_password_hashes_are_not_kept():
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
def test_a_grant_covers_the_scopes_within_its_own(granted: str, where: list[str]):
    found = held(f"GRANT SELECT ON {granted} TO `u`@`%`")
    places = [EVERYWHERE, SHOP, ORDERS, PrivilegeScope("performance_schema")]
    assert [str(place) for place in places if found.has({"SELECT"}, place)] == where


def test_a_privilege_on_columns_is_not_one_on_the_table():
    assert not held("GRANT SELECT (`a`) ON `shop`.`orders` TO `u`@`%`").has({"SELECT"}, ORDERS)


def test_a_privilege_on_a_procedure_is_not_one_on_a_table():
    assert not held("GRANT EXECUTE ON PROCEDURE `shop`.`orders` TO `u`@`%`").has({"EXECUTE"}, ORDERS)


def test_a_partial_revoke_restricts_a_global_privilege():
    everywhere = "GRANT SELECT, REFERENCES ON *.* TO `u`@`%`"
    found = held(everywhere, "REVOKE SELECT ON `performance_schema`.* FROM `u`@`%`")
    there = PrivilegeScope("performance_schema")
    assert not found.has({"SELECT"}, there)
    assert found.has({"REFERENCES"}, there)
    assert found.has({"SELECT"}, SHOP)
    again = held(everywhere, "REVOKE SELECT ON `performance_schema`.* FROM `u`@`%`",
                 "GRANT SELECT ON `performance_schema`.* TO `u`@`%`")  # fmt: skip
    assert again.has({"SELECT"}, there)


def test_privileges_of_mysql_may_come_from_roles():
    found = held("GRANT PROCESS ON *.* TO `u`@`%`", "GRANT `look`@`%`,`o``dd`@`%` TO `u`@`%`")
    assert found.roles == ("`look`@`%`", "`o``dd`@`%`")
    assert found.borrowed


def test_privileges_of_a_mariadb_role_are_listed_under_the_role():
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


def test_privileges_granted_to_public_cannot_be_revoked_from_an_account():
    assert held("GRANT PROCESS ON *.* TO `u`@`%`", "GRANT INSERT ON `shop`.* TO PUBLIC").borrowed
    assert not held("GRANT PROCESS ON *.* TO `u`@`%`", "GRANT `asleep` TO `u`@`%`").borrowed


@pytest.mark.parametrize("line", ["", "DENY SELECT ON *.* TO `u`@`%`", "GRANT SELECT ON *.*", "GRANT", "'"])
def test_a_line_of_another_form_is_counted_as_unread(line: str):
    assert held(line, "GRANT PROCESS ON *.* TO `u`@`%`") == AccountPrivileges("u@%", (Privilege("PROCESS"),), unread=1)


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
def test_an_account_is_quoted_so_that_it_cannot_inject_sql(account: str, name: str):
    assert account_name(account) == name
