"""mysql.configuration_differences: in what members are set up differently."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.configuration import Configuration, configuration
from actions.diagnostics.mysql.configuration_differences import configuration_differences
from tests.actions.hands import reader
from tests.recorded import MYSQL_97, Recorded, named

HERE = named(sql_mode="STRICT", sync_binlog=1, max_connections=100)


def differ(**values: str) -> list[tuple[str, str, str]]:
    member = Configuration("db8:3306", values)
    db = Recorded(MYSQL_97, {"GLOBAL VARIABLES": HERE})
    found = configuration_differences(db, members=(member, Configuration("db7:3306", {"sql_mode": "other"})))
    assert found.compared == 1
    return [(each.name, each.here, each.there) for each in found.differences]


def test_what_is_another_one_there_is_told():
    assert differ(sql_mode="", sync_binlog="1") == [("sql_mode", "STRICT", "")]


def test_what_only_one_of_them_knows_is_none():
    assert differ(innodb_redo_log_capacity="1") == []


def test_what_follows_the_size_of_the_host_may_differ():
    assert differ(max_connections="9") == []


@pytest.mark.lab
def test_real_members(notes):
    members = []
    for name in ("billing-1", "billing-2", "billing-3"):
        with reader(notes, notes.instance(name)) as db:
            members.append(configuration(db))
    with reader(notes, notes.instance("billing-1")) as db:
        found = configuration_differences(db, members=tuple(members))
    assert found.compared == 2
    # MariaDB 11.8 has another default character set than 10.11.
    assert {each.name for each in found.differences} == {"character_set_server", "collation_server"}
    assert {each.address for each in found.differences} == {notes.instance("billing-3").address}
