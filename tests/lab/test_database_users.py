"""The statements that create the lab's users; tests/fleet/test_database_privileges.py tests their privileges."""

from __future__ import annotations

import pytest

from bot.lab.database_users import READER, statements


def test_a_user_is_created_with_its_privileges():
    created, *granted = statements("mysql", READER, "secret1")
    assert created == "CREATE USER 'firstmate_reader'@'%' IDENTIFIED BY 'secret1'"
    assert granted[-2:] == [
        "GRANT SELECT ON performance_schema.* TO 'firstmate_reader'@'%'",
        "GRANT SELECT ON mysql.innodb_table_stats TO 'firstmate_reader'@'%'",
    ]


def test_the_grant_option_comes_last():
    assert statements("mariadb", "admin", "x")[-1].endswith("TO 'admin'@'%' WITH GRANT OPTION")


def test_a_password_that_is_not_alphanumeric_is_refused():
    with pytest.raises(ValueError, match="must be alphanumeric"):
        statements("mysql", READER, "x' OR 1")
