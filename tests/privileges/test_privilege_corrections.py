"""Excess and missing privileges, and the statements that correct them."""

from __future__ import annotations

import pytest

from actions.contract import ServerVersion
from bot.doctor.user_privileges import UserReport, assess_user
from bot.privileges.grant_parser import ALL, parse
from bot.privileges.missing_privileges import PermissionState
from tests.privileges.recorded import (
    CHANGER,
    MARIADB_118,
    MARIADB_1011,
    MYSQL_57,
    MYSQL_84,
    MYSQL_97,
    MYSQL_ADMINISTRATOR,
    READER,
    USERS,
)

WHO = "'firstmate_reader'@'10.0.0.%'"


def reader(version: ServerVersion, *lines: str, spare_port: bool = True) -> UserReport:
    return assess_user("reader", parse(READER, lines), version, spare_port=spare_port)


def changer(version: ServerVersion, *lines: str) -> UserReport:
    return assess_user("changer", parse(CHANGER, lines), version, spare_port=True)


@pytest.mark.parametrize("version", USERS, ids=str)
def test_an_account_with_the_needed_privileges_has_no_excess(version: ServerVersion):
    reads, changes = USERS[version]
    for user in (reader(version, *reads), changer(version, *changes)):
        assert user.problems == ()
        assert (user.corrections.grants, user.corrections.revokes) == ((), ())


def test_an_account_without_privileges_gets_one_grant_per_scope():
    assert reader(MYSQL_97, f"GRANT USAGE ON *.* TO {WHO}").corrections.grants == (
        f"GRANT PROCESS, REFERENCES, REPLICATION CLIENT, SERVICE_CONNECTION_ADMIN, XA_RECOVER_ADMIN ON *.* TO {WHO}",
        f"GRANT SELECT ON mysql.innodb_table_stats TO {WHO}",
        f"GRANT SELECT ON performance_schema.* TO {WHO}",
    )


def test_on_mysql_5_7_a_changer_gets_super():
    [everywhere, _] = changer(MYSQL_57, "GRANT USAGE ON *.* TO 'firstmate_changer'@'10.0.0.%'").corrections.grants
    assert everywhere == "GRANT PROCESS, REPLICATION CLIENT, SUPER ON *.* TO 'firstmate_changer'@'10.0.0.%'"


def test_on_mariadb_a_reader_gets_its_own_privileges():
    lines = [line.replace(", SLAVE MONITOR", "") for line in USERS[MARIADB_118][0]]
    user = reader(MARIADB_118, *lines)
    assert user.corrections.grants == (f"GRANT SLAVE MONITOR ON *.* TO {WHO}",)
    assert {each.action for each in user.in_state(PermissionState.MISSING)} == {
        "mysql.replica_status",
        "mysql.server_kind",
        "mysql.shard_roles",
        "mysql.writability",
    }


def test_a_missing_privilege_is_one_grant_and_names_the_actions():
    lines = [line.replace(",XA_RECOVER_ADMIN", "") for line in USERS[MYSQL_84][0]]
    user = reader(MYSQL_84, *lines)
    assert user.corrections.grants == (f"GRANT XA_RECOVER_ADMIN ON *.* TO {WHO}",)
    [says] = user.problems
    assert "may not run 1 of " in says
    assert " diagnostics: mysql.prepared_transactions." in says
    assert "Missing privileges: XA_RECOVER_ADMIN." in says


@pytest.mark.parametrize("spare_port", [True, False])
def test_the_privilege_for_a_spare_port_is_needed_only_with_a_spare_port(spare_port: bool):
    lines = [line.replace("SERVICE_CONNECTION_ADMIN,", "") for line in USERS[MYSQL_97][0]]
    user = reader(MYSQL_97, *lines, spare_port=spare_port)
    assert user.corrections.grants == ((f"GRANT SERVICE_CONNECTION_ADMIN ON *.* TO {WHO}",) if spare_port else ())
    assert user.in_state(PermissionState.MISSING) == ()
    assert any("spare port" in says for says in user.problems) is spare_port


@pytest.mark.parametrize(
    ("line", "revoke"),
    [
        ("GRANT INSERT, UPDATE ON `shop`.* TO %s", "REVOKE INSERT, UPDATE ON shop.* FROM %s"),
        ("GRANT DELETE ON `shop`.`orders` TO %s", "REVOKE DELETE ON shop.orders FROM %s"),
        ("GRANT UPDATE (`a b`) ON `shop`.`orders` TO %s", "REVOKE UPDATE (`a b`) ON shop.orders FROM %s"),
        ("GRANT DROP ON `sh\\_op%%`.* TO %s", "REVOKE DROP ON `sh\\_op%%`.* FROM %s"),
        ("GRANT SUPER ON *.* TO %s", "REVOKE SUPER ON *.* FROM %s"),
        ("GRANT ALL PRIVILEGES ON `shop`.* TO %s", "REVOKE ALL PRIVILEGES ON shop.* FROM %s"),
        ("GRANT UPDATE ON `performance_schema`.* TO %s", "REVOKE UPDATE ON performance_schema.* FROM %s"),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`tidy` TO %s", "REVOKE EXECUTE ON PROCEDURE shop.tidy FROM %s"),
        ("GRANT PROXY ON `app`@`%%` TO %s", "REVOKE PROXY ON 'app'@'%%' FROM %s"),
        ("GRANT A_PRIVILEGE_OF_2030 ON *.* TO %s", "REVOKE A_PRIVILEGE_OF_2030 ON *.* FROM %s"),
        ("GRANT SELECT ON `performance_schema`.* TO %s WITH GRANT OPTION",
         "REVOKE GRANT OPTION ON performance_schema.* FROM %s"),
    ],
)  # fmt: skip
def test_a_privilege_that_allows_a_change_is_excess_for_a_reader(line: str, revoke: str):
    user = reader(MYSQL_97, *USERS[MYSQL_97][0], line % WHO)
    assert user.corrections.revokes == (revoke % WHO,)
    assert user.corrections.grants == ()
    [says] = user.problems
    assert "has privileges that its actions do not need" in says


@pytest.mark.parametrize(
    "line", ["GRANT SELECT ON *.* TO %s", "GRANT SHOW VIEW ON `shop`.* TO %s", "GRANT EXECUTE ON `sys`.* TO %s"]
)
def test_a_read_only_privilege_is_no_excess(line: str):
    assert reader(MYSQL_97, *USERS[MYSQL_97][0], line.replace("%s", WHO)).problems == ()


def test_a_changer_may_have_write_privileges_by_choice_but_not_drop():
    lines = USERS[MYSQL_97][1]
    to = "TO `firstmate_changer`@`10.0.0.%`"
    assert changer(MYSQL_97, *lines, f"GRANT SELECT, INSERT ON `shop`.* {to}").problems == ()
    assert changer(MYSQL_97, *lines, f"GRANT DROP ON `shop`.* {to}").problems != ()


def test_super_is_replaced_by_the_needed_privileges():
    who = "'firstmate_changer'@'10.0.0.%'"
    lines = [line for line in USERS[MYSQL_97][1] if "BINLOG_ADMIN" not in line]
    user = changer(MYSQL_97, *lines, f"GRANT SUPER, PROCESS ON *.* TO {who}")
    assert user.in_state(PermissionState.MISSING) == ()
    assert user.corrections.grants == (f"GRANT SERVICE_CONNECTION_ADMIN ON *.* TO {who}",)
    assert user.corrections.revokes == (
        f"REVOKE SUPER ON *.* FROM {who}",
        f"GRANT BINLOG_ADMIN, CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO {who}",
    )


def test_super_is_what_a_changer_of_mariadb_needs():
    assert changer(MARIADB_118, *USERS[MARIADB_118][1]).excess.changing == ()


def test_all_privileges_are_replaced_by_the_needed_ones():
    user = reader(MARIADB_1011, f"GRANT ALL PRIVILEGES ON *.* TO {WHO} WITH GRANT OPTION")
    assert [each.name for each in user.excess.changing] == [ALL]
    assert user.corrections.revokes == (
        f"REVOKE ALL PRIVILEGES ON *.* FROM {WHO}",
        f"REVOKE GRANT OPTION ON *.* FROM {WHO}",
        f"GRANT BINLOG MONITOR, PROCESS, REFERENCES, SLAVE MONITOR ON *.* TO {WHO}",
        f"GRANT SELECT ON mysql.innodb_table_stats TO {WHO}",
        f"GRANT SELECT ON performance_schema.* TO {WHO}",
    )


def test_an_administrator_of_mysql_becomes_a_reader():
    """A dynamic privilege keeps its own grant option until it is revoked and granted again."""
    user = reader(MYSQL_97, *MYSQL_ADMINISTRATOR)
    proxy, taken, option, granted = user.corrections.revokes
    assert taken.startswith("REVOKE ALTER, ALTER ROUTINE, AUDIT_ADMIN, ")
    assert "XA_RECOVER_ADMIN" in taken
    assert "PROCESS" not in taken
    assert proxy == f"REVOKE PROXY ON ''@'' FROM {WHO}"
    assert option == f"REVOKE GRANT OPTION ON *.* FROM {WHO}"
    assert granted == f"GRANT SERVICE_CONNECTION_ADMIN, XA_RECOVER_ADMIN ON *.* TO {WHO}"


def test_excess_from_a_role_is_reported_and_not_revoked_from_the_account():
    user = reader(MYSQL_97, *USERS[MYSQL_97][0], f"GRANT INSERT ON `shop`.* TO {WHO}", f"GRANT `writes`@`%` TO {WHO}")
    [says] = user.problems
    assert "INSERT on shop.*. Some of these privileges may come from a role: `writes`@`%`." in says
    assert user.corrections.revokes == ()


def test_an_inactive_role_is_activated_instead_of_granting_its_privileges():
    asleep = parse(READER, ["GRANT USAGE ON *.* TO " + WHO, f"GRANT `look`@`%` TO {WHO}"])
    lines = [line.replace(",XA_RECOVER_ADMIN", "") for line in USERS[MYSQL_97][0]]
    awake = parse(READER, [*lines, f"GRANT `look`@`%` TO {WHO}"])
    user = assess_user("reader", asleep, MYSQL_97, spare_port=True, with_roles=awake)
    assert user.corrections.grants == (
        f"SET DEFAULT ROLE ALL TO {WHO}",
        f"GRANT XA_RECOVER_ADMIN ON *.* TO {WHO}",
    )
    assert any("are not active after login" in says for says in user.problems)


def test_a_line_that_could_not_be_parsed_is_reported():
    assert "1 line of SHOW GRANTS" in reader(MYSQL_97, *USERS[MYSQL_97][0], "DENY ALL").problems[0]
