"""mysql.schema_changes: who changes a schema, how far it is, and what it waits for."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.schema_changes import schema_changes
from tests.actions.hands import reader
from tests.recorded import MARIADB_1011, MYSQL_57, MYSQL_97, Recorded

ROW = {
    "id": 7,
    "user": "deploy",
    "host": "10.0.0.7:51234",
    "time": 300,
    "state": "altering table",
    "info": "ALTER TABLE orders ADD COLUMN note TEXT",
    "progress": None,
}


def changes(version, *rows, stages=()):
    return schema_changes(
        Recorded(version, {"events_stages_current": stages, "PROCESSLIST": rows, "processlist": rows})
    )


@pytest.mark.parametrize("version", [MYSQL_57, MYSQL_97], ids=str)
def test_mysql_tells_how_far_it_is_where_its_stages_are_watched(version):
    found = changes(version, ROW, stages=[{"id": 7, "done": 30, "whole": 120}])
    assert [(each.thread_id, each.running_for, each.progress) for each in found.changes] == [(7, 300.0, 25.0)]
    assert changes(version, ROW).changes[0].progress is None


def test_mariadb_tells_it_in_the_process_list():
    assert changes(MARIADB_1011, {**ROW, "progress": 12.5}).changes[0].progress == 12.5


def test_one_that_waits_is_stuck():
    (stuck,) = changes(MYSQL_97, {**ROW, "state": "Waiting for backup lock"}).stuck
    assert (stuck.waits_for, stuck.waits_for_metadata_lock) == ("backup_lock", False)
    found = changes(MYSQL_97, {**ROW, "state": "Waiting for table metadata lock"})
    assert [each.thread_id for each in found.stuck] == [7]


@pytest.mark.parametrize(
    ("statement", "tool"),
    [
        ("insert /* gh-ost `shop`.`orders` */ ignore into `shop`.`_orders_gho` select 1", "gh-ost"),
        (
            "INSERT LOW_PRIORITY IGNORE INTO `shop`.`_orders_new` (`id`) SELECT `id` FROM `orders`",
            "pt-online-schema-change",
        ),
        ("CREATE INDEX a ON orders (a)", ""),
        ("OPTIMIZE TABLE orders", ""),
    ],
)
def test_tools_are_known_by_their_statements(statement, tool):
    assert [each.tool for each in changes(MYSQL_97, {**ROW, "info": statement}).changes] == [tool]


@pytest.mark.parametrize(
    "statement", ["SELECT 'ALTER TABLE'", "UPDATE alterations SET a = 1", "INSERT INTO t VALUES (1)"]
)
def test_what_changes_no_schema_is_left_out(statement):
    assert changes(MYSQL_97, {**ROW, "info": statement}).changes == ()


@pytest.mark.lab
@pytest.mark.parametrize("flavour", ["mysql", "mariadb"])
def test_a_real_change_that_waits(notes, broken, flavour):
    primary = broken("metadata_locks", flavour)
    with reader(notes, primary) as db:
        (stuck,) = schema_changes(db).stuck
    assert (stuck.user, stuck.host) == ("deploy", "127.0.0.1")
    assert stuck.statement.startswith("ALTER TABLE")
