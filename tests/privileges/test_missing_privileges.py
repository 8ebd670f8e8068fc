"""The privileges that actions need by server version, and privileges that include them."""

from __future__ import annotations

import pytest

from actions import catalog
from actions.contract import Flavour, ServerVersion
from actions.vitess_contract import Vitess
from bot.privileges.grant_parser import PrivilegeScope, parse
from bot.privileges.missing_privileges import (
    SPARE_PORT,
    PermissionState,
    RequiredPrivilege,
    all_required,
    holds,
    permission,
    required_privileges,
)
from tests.privileges.recorded import (
    CHANGER,
    MARIADB_104,
    MARIADB_106,
    MARIADB_118,
    MARIADB_1011,
    MYSQL_57,
    MYSQL_80,
    MYSQL_80_13,
    MYSQL_97,
    READER,
    USERS,
)

READS = tuple(each.needs for each in catalog.DIAGNOSTICS.values() if each.reader is not Vitess)
CHANGES = tuple(each.needs for each in catalog.REMEDIATIONS.values() if each.reader is not Vitess)
ALL_SUPER = ("BINLOG_ADMIN", "CONNECTION_ADMIN", "REPLICATION_SLAVE_ADMIN", "SYSTEM_VARIABLES_ADMIN")


@pytest.mark.parametrize("version", USERS, ids=str)
def test_the_documented_grants_allow_every_action(version: ServerVersion):
    reader, changer = (parse(who, lines) for who, lines in zip((READER, CHANGER), USERS[version], strict=True))
    for held, needs in ((reader, READS), (changer, CHANGES)):
        found = [permission("any", each, held, version) for each in needs]
        assert [each.missing for each in found if each.state is PermissionState.MISSING] == []


@pytest.mark.parametrize("version", USERS, ids=str)
def test_an_account_without_privileges_lacks_exactly_the_documented_grants(version: ServerVersion):
    for needs, lines in zip((READS, CHANGES), USERS[version], strict=True):
        held = parse(READER, lines)
        asked = {(right.name, right.scope) for right in all_required((*needs, SPARE_PORT), version)}
        granted = {(each.name, each.scope) for each in held.privileges}
        assert asked <= granted
        assert granted - asked <= {("SELECT", PrivilegeScope("performance_schema"))}  # MariaDB, to read


@pytest.mark.parametrize("privilege", ALL_SUPER)
def test_newer_privileges_map_to_super_on_mysql_5_7(privilege: str):
    assert required_privileges(privilege, MYSQL_57) == (RequiredPrivilege("SUPER"),)
    assert required_privileges(privilege, MYSQL_80) == (RequiredPrivilege(privilege),)


@pytest.mark.parametrize(
    ("need", "version", "asked"),
    [
        ("XA_RECOVER_ADMIN", MYSQL_57, ()),
        ("XA_RECOVER_ADMIN", MYSQL_80_13, (RequiredPrivilege("XA_RECOVER_ADMIN"),)),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_57, ()),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_80_13, ()),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_80, (RequiredPrivilege("SERVICE_CONNECTION_ADMIN"),)),
        ("SLAVE MONITOR", MARIADB_104, (RequiredPrivilege("REPLICATION CLIENT"),)),
        ("READ_ONLY ADMIN", MARIADB_104, (RequiredPrivilege("SUPER"),)),
        ("SELECT, INSERT ON *.*", MYSQL_97, (RequiredPrivilege("SELECT"), RequiredPrivilege("INSERT"))),
        (
            "SELECT ON performance_schema.*",
            MARIADB_118,
            (RequiredPrivilege("SELECT", PrivilegeScope("performance_schema")),),
        ),
    ],
)
def test_a_need_maps_to_the_privileges_of_the_version(
    need: str, version: ServerVersion, asked: tuple[RequiredPrivilege, ...]
):
    assert required_privileges(need, version) == asked


@pytest.mark.parametrize(
    ("privilege", "version", "does"),
    [
        ("CONNECTION_ADMIN", MYSQL_97, True),
        ("REPLICATION CLIENT", MYSQL_97, True),
        ("XA_RECOVER_ADMIN", MYSQL_97, False),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_97, False),
        ("PROCESS", MYSQL_97, False),
        ("SLAVE MONITOR", MARIADB_1011, True),
        ("CONNECTION ADMIN", MARIADB_1011, True),
        ("READ_ONLY ADMIN", MARIADB_106, True),
        ("READ_ONLY ADMIN", MARIADB_1011, False),
        ("SLAVE MONITOR", MARIADB_118, False),
        ("CONNECTION ADMIN", MARIADB_118, False),
        ("SUPER", MARIADB_118, True),
    ],
)
def test_privileges_that_super_includes(privilege: str, version: ServerVersion, does: bool):
    held = parse("u@%", ["GRANT SUPER ON *.* TO `u`@`%`"])
    assert holds(held, RequiredPrivilege(privilege), version) is does


@pytest.mark.parametrize("version", USERS, ids=str)
def test_all_privileges_include_every_privilege(version: ServerVersion):
    held = parse("u@%", ["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"])
    for needs in (*READS, *CHANGES):
        assert permission("any", needs, held, version).state is PermissionState.MAY


def test_the_former_name_of_a_mariadb_privilege_counts():
    held = parse("u@%", ["GRANT REPLICATION CLIENT ON *.* TO `u`@`%`"])
    assert holds(held, RequiredPrivilege("BINLOG MONITOR"), MARIADB_118)
    assert not holds(held, RequiredPrivilege("SLAVE MONITOR"), MARIADB_118)


NEEDS = {Flavour.MYSQL: ("PROCESS", "SELECT, INSERT ON *.*", "SELECT ON mysql.innodb_table_stats")}
STATS = "GRANT SELECT ON `mysql`.`innodb_table_stats` TO `u`@`%`"


@pytest.mark.parametrize(
    ("lines", "state", "where"),
    [
        ([], PermissionState.BY_CHOICE, []),
        (["GRANT SELECT, INSERT ON `shop`.* TO `u`@`%`"], PermissionState.BY_CHOICE, []),
        (["GRANT SELECT, INSERT ON `shop`.* TO `u`@`%`", STATS], PermissionState.SOMEWHERE, ["shop.*"]),
        (["GRANT SELECT ON `shop`.* TO `u`@`%`", STATS], PermissionState.BY_CHOICE, []),
        (["GRANT SELECT ON `shop`.* TO `u`@`%`", "GRANT INSERT ON `shop`.`orders` TO `u`@`%`", STATS],
         PermissionState.SOMEWHERE, ["shop.orders"]),
        (["GRANT SELECT, INSERT ON *.* TO `u`@`%`"], PermissionState.MAY, []),
    ],
)  # fmt: skip
def test_a_privilege_granted_by_choice_is_never_missing(lines: list[str], state: PermissionState, where: list[str]):
    held = parse("u@%", ["GRANT PROCESS ON *.* TO `u`@`%`", *lines])
    found = permission("mysql.analyze_table", NEEDS, held, MYSQL_97)
    assert (found.state, [str(place) for place in found.where]) == (state, where)
    assert found.missing == ()


def test_the_sizes_of_tables_are_by_choice_only_beside_the_data_of_tables():
    needs = {Flavour.MYSQL: ("PROCESS", "SELECT ON mysql.innodb_table_stats")}
    found = permission("mysql.tablespaces", needs, parse("u@%", ["GRANT PROCESS ON *.* TO `u`@`%`"]), MYSQL_97)
    assert (found.state, [str(each) for each in found.missing]) == (
        PermissionState.MISSING,
        ["SELECT ON mysql.innodb_table_stats"],
    )


def test_an_action_that_lacks_other_privileges_is_not_off_by_choice():
    found = permission("mysql.analyze_table", NEEDS, parse("u@%", []), MYSQL_97)
    assert (found.state, found.missing) == (PermissionState.MISSING, (RequiredPrivilege("PROCESS"),))
