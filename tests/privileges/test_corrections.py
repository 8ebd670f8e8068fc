"""What is too much, and the statements that mend it."""

from __future__ import annotations

import pytest

from actions.contract import ServerVersion
from bot.doctor.user_privileges import User, judged
from bot.privileges.grants import ALL, parse
from bot.privileges.requirements import State
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


def reader(version: ServerVersion, *lines: str, spare_port: bool = True) -> User:
    return judged("reader", parse(READER, lines), version, spare_port=spare_port)


def changer(version: ServerVersion, *lines: str) -> User:
    return judged("changer", parse(CHANGER, lines), version, spare_port=True)


@pytest.mark.parametrize("version", USERS, ids=str)
def test_who_holds_what_is_needed_holds_nothing_too_much(version: ServerVersion):
    reads, changes = USERS[version]
    for user in (reader(version, *reads), changer(version, *changes)):
        assert user.problems == ()
        assert (user.mending.grants, user.mending.revokes) == ((), ())


def test_who_holds_nothing_gets_one_grant_for_each_place():
    assert reader(MYSQL_97, f"GRANT USAGE ON *.* TO {WHO}").mending.grants == (
        f"GRANT PROCESS, REFERENCES, REPLICATION CLIENT, SERVICE_CONNECTION_ADMIN, XA_RECOVER_ADMIN ON *.* TO {WHO}",
        f"GRANT SELECT ON performance_schema.* TO {WHO}",
    )


def test_on_mysql_5_7_a_changer_gets_super():
    [everywhere, _] = changer(MYSQL_57, "GRANT USAGE ON *.* TO 'firstmate_changer'@'10.0.0.%'").mending.grants
    assert everywhere == "GRANT PROCESS, REPLICATION CLIENT, SUPER ON *.* TO 'firstmate_changer'@'10.0.0.%'"


def test_on_mariadb_a_reader_gets_its_own_privileges():
    lines = [line.replace(", SLAVE MONITOR", "") for line in USERS[MARIADB_118][0]]
    user = reader(MARIADB_118, *lines)
    assert user.mending.grants == (f"GRANT SLAVE MONITOR ON *.* TO {WHO}",)
    assert {each.action for each in user.in_state(State.MISSING)} == {"mysql.replica_status", "mysql.writability"}


def test_one_privilege_that_is_missing_is_one_grant_and_names_its_actions():
    lines = [line.replace(",XA_RECOVER_ADMIN", "") for line in USERS[MYSQL_84][0]]
    user = reader(MYSQL_84, *lines)
    assert user.mending.grants == (f"GRANT XA_RECOVER_ADMIN ON *.* TO {WHO}",)
    [says] = user.problems
    assert "may not run 1 of 34 diagnostics: mysql.prepared_transactions." in says
    assert "It lacks XA_RECOVER_ADMIN." in says


@pytest.mark.parametrize("spare_port", [True, False])
def test_the_way_into_a_full_server_is_asked_for_where_there_is_a_spare_port(spare_port: bool):
    lines = [line.replace("SERVICE_CONNECTION_ADMIN,", "") for line in USERS[MYSQL_97][0]]
    user = reader(MYSQL_97, *lines, spare_port=spare_port)
    assert user.mending.grants == ((f"GRANT SERVICE_CONNECTION_ADMIN ON *.* TO {WHO}",) if spare_port else ())
    assert user.in_state(State.MISSING) == ()
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
def test_what_can_change_something_is_too_much_for_a_reader(line: str, revoke: str):
    user = reader(MYSQL_97, *USERS[MYSQL_97][0], line % WHO)
    assert user.mending.revokes == (revoke % WHO,)
    assert user.mending.grants == ()
    [says] = user.problems
    assert "may do more than its actions need" in says


@pytest.mark.parametrize(
    "line", ["GRANT SELECT ON *.* TO %s", "GRANT SHOW VIEW ON `shop`.* TO %s", "GRANT EXECUTE ON `sys`.* TO %s"]
)
def test_what_only_looks_is_not_too_much(line: str):
    assert reader(MYSQL_97, *USERS[MYSQL_97][0], line.replace("%s", WHO)).problems == ()


def test_a_changer_may_write_where_that_was_chosen_but_not_drop():
    lines = USERS[MYSQL_97][1]
    to = "TO `firstmate_changer`@`10.0.0.%`"
    assert changer(MYSQL_97, *lines, f"GRANT SELECT, INSERT ON `shop`.* {to}").problems == ()
    assert changer(MYSQL_97, *lines, f"GRANT DROP ON `shop`.* {to}").problems != ()


def test_super_gives_way_to_what_is_needed_of_it():
    who = "'firstmate_changer'@'10.0.0.%'"
    lines = [line for line in USERS[MYSQL_97][1] if "BINLOG_ADMIN" not in line]
    user = changer(MYSQL_97, *lines, f"GRANT SUPER, PROCESS ON *.* TO {who}")
    assert user.in_state(State.MISSING) == ()
    assert user.mending.grants == (f"GRANT SERVICE_CONNECTION_ADMIN ON *.* TO {who}",)
    assert user.mending.revokes == (
        f"REVOKE SUPER ON *.* FROM {who}",
        f"GRANT BINLOG_ADMIN, CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO {who}",
    )


def test_super_is_what_a_changer_of_mariadb_needs():
    assert changer(MARIADB_118, *USERS[MARIADB_118][1]).excess.changing == ()


def test_all_privileges_give_way_to_the_least():
    user = reader(MARIADB_1011, f"GRANT ALL PRIVILEGES ON *.* TO {WHO} WITH GRANT OPTION")
    assert [each.name for each in user.excess.changing] == [ALL]
    assert user.mending.revokes == (
        f"REVOKE ALL PRIVILEGES ON *.* FROM {WHO}",
        f"REVOKE GRANT OPTION ON *.* FROM {WHO}",
        f"GRANT BINLOG MONITOR, PROCESS, REFERENCES, SLAVE MONITOR ON *.* TO {WHO}",
        f"GRANT SELECT ON performance_schema.* TO {WHO}",
    )


def test_an_administrator_of_mysql_becomes_a_reader():
    """A dynamic privilege keeps a grant option of its own until it is taken and granted anew."""
    user = reader(MYSQL_97, *MYSQL_ADMINISTRATOR)
    proxy, taken, option, granted = user.mending.revokes
    assert taken.startswith("REVOKE ALTER, ALTER ROUTINE, AUDIT_ADMIN, ")
    assert "XA_RECOVER_ADMIN" in taken
    assert "PROCESS" not in taken
    assert proxy == f"REVOKE PROXY ON ''@'' FROM {WHO}"
    assert option == f"REVOKE GRANT OPTION ON *.* FROM {WHO}"
    assert granted == f"GRANT SERVICE_CONNECTION_ADMIN, XA_RECOVER_ADMIN ON *.* TO {WHO}"


def test_what_a_role_brings_is_told_and_not_taken_from_the_account():
    user = reader(MYSQL_97, *USERS[MYSQL_97][0], f"GRANT INSERT ON `shop`.* TO {WHO}", f"GRANT `writes`@`%` TO {WHO}")
    [says] = user.problems
    assert "INSERT on shop.*. Some of it may come by a role: `writes`@`%`." in says
    assert user.mending.revokes == ()


def test_a_role_that_sleeps_is_woken_rather_than_granted_again():
    asleep = parse(READER, ["GRANT USAGE ON *.* TO " + WHO, f"GRANT `look`@`%` TO {WHO}"])
    lines = [line.replace(",XA_RECOVER_ADMIN", "") for line in USERS[MYSQL_97][0]]
    awake = parse(READER, [*lines, f"GRANT `look`@`%` TO {WHO}"])
    user = judged("reader", asleep, MYSQL_97, spare_port=True, with_roles=awake)
    assert user.mending.grants == (
        f"SET DEFAULT ROLE ALL TO {WHO}",
        f"GRANT XA_RECOVER_ADMIN ON *.* TO {WHO}",
    )
    assert any("are not active when it logs in" in says for says in user.problems)


def test_a_line_that_was_not_understood_is_told():
    assert "1 lines" in reader(MYSQL_97, *USERS[MYSQL_97][0], "DENY ALL").problems[0]
