"""What the actions need, by version, and what does for it."""

from __future__ import annotations

import pytest

from actions import catalog
from actions.contract import Flavour, ServerVersion
from actions.vitess_contract import Vitess
from bot.privileges.grants import Scope, parse
from bot.privileges.requirements import SPARE_PORT, Right, State, holds, needed, permission, rights
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
def test_who_holds_what_the_readme_grants_may_run_everything(version: ServerVersion):
    reader, changer = (parse(who, lines) for who, lines in zip((READER, CHANGER), USERS[version], strict=True))
    for held, needs in ((reader, READS), (changer, CHANGES)):
        found = [permission("any", each, held, version) for each in needs]
        assert [each.missing for each in found if each.state is State.MISSING] == []


@pytest.mark.parametrize("version", USERS, ids=str)
def test_who_holds_nothing_lacks_just_what_was_granted(version: ServerVersion):
    for needs, lines in zip((READS, CHANGES), USERS[version], strict=True):
        held = parse(READER, lines)
        asked = {(right.name, right.scope) for right in needed((*needs, SPARE_PORT), version)}
        granted = {(each.name, each.scope) for each in held.privileges}
        assert asked <= granted
        assert granted - asked <= {("SELECT", Scope("performance_schema"))}  # a changer of MariaDB, to look with


@pytest.mark.parametrize("privilege", ALL_SUPER)
def test_what_is_a_privilege_of_its_own_today_was_super_in_mysql_5_7(privilege: str):
    assert rights(privilege, MYSQL_57) == (Right("SUPER"),)
    assert rights(privilege, MYSQL_80) == (Right(privilege),)


@pytest.mark.parametrize(
    ("need", "version", "asked"),
    [
        ("XA_RECOVER_ADMIN", MYSQL_57, ()),
        ("XA_RECOVER_ADMIN", MYSQL_80_13, (Right("XA_RECOVER_ADMIN"),)),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_57, ()),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_80_13, ()),
        ("SERVICE_CONNECTION_ADMIN", MYSQL_80, (Right("SERVICE_CONNECTION_ADMIN"),)),
        ("SLAVE MONITOR", MARIADB_104, (Right("REPLICATION CLIENT"),)),
        ("READ_ONLY ADMIN", MARIADB_104, (Right("SUPER"),)),
        ("SELECT, INSERT ON *.*", MYSQL_97, (Right("SELECT"), Right("INSERT"))),
        ("SELECT ON performance_schema.*", MARIADB_118, (Right("SELECT", Scope("performance_schema")),)),
    ],
)
def test_a_need_is_what_that_version_has_for_it(need: str, version: ServerVersion, asked: tuple[Right, ...]):
    assert rights(need, version) == asked


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
def test_what_super_does_for(privilege: str, version: ServerVersion, does: bool):
    held = parse("u@%", ["GRANT SUPER ON *.* TO `u`@`%`"])
    assert holds(held, Right(privilege), version) is does


@pytest.mark.parametrize("version", USERS, ids=str)
def test_all_privileges_are_all(version: ServerVersion):
    held = parse("u@%", ["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"])
    for needs in (*READS, *CHANGES):
        assert permission("any", needs, held, version).state is State.MAY


def test_the_older_word_of_mariadb_counts():
    held = parse("u@%", ["GRANT REPLICATION CLIENT ON *.* TO `u`@`%`"])
    assert holds(held, Right("BINLOG MONITOR"), MARIADB_118)
    assert not holds(held, Right("SLAVE MONITOR"), MARIADB_118)


NEEDS = {Flavour.MYSQL: ("PROCESS", "SELECT, INSERT ON *.*", "SELECT ON mysql.innodb_table_stats")}
STATS = "GRANT SELECT ON `mysql`.`innodb_table_stats` TO `u`@`%`"


@pytest.mark.parametrize(
    ("lines", "state", "where"),
    [
        ([], State.BY_CHOICE, []),
        (["GRANT SELECT, INSERT ON `shop`.* TO `u`@`%`"], State.BY_CHOICE, []),
        (["GRANT SELECT, INSERT ON `shop`.* TO `u`@`%`", STATS], State.SOMEWHERE, ["shop.*"]),
        (["GRANT SELECT ON `shop`.* TO `u`@`%`", STATS], State.BY_CHOICE, []),
        (["GRANT SELECT ON `shop`.* TO `u`@`%`", "GRANT INSERT ON `shop`.`orders` TO `u`@`%`", STATS],
         State.SOMEWHERE, ["shop.orders"]),
        (["GRANT SELECT, INSERT ON *.* TO `u`@`%`"], State.MAY, []),
    ],
)  # fmt: skip
def test_what_is_granted_by_choice_is_never_missing(lines: list[str], state: State, where: list[str]):
    held = parse("u@%", ["GRANT PROCESS ON *.* TO `u`@`%`", *lines])
    found = permission("mysql.analyze_table", NEEDS, held, MYSQL_97)
    assert (found.state, [str(place) for place in found.where]) == (state, where)
    assert found.missing == ()


def test_an_action_that_lacks_more_is_not_off_by_choice():
    found = permission("mysql.analyze_table", NEEDS, parse("u@%", []), MYSQL_97)
    assert (found.state, found.missing) == (State.MISSING, (Right("PROCESS"),))
