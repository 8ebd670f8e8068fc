"""mysql.table_differences: one table on the members of a shard."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.table_definition import TableDefinition, TablePart, table_definition
from actions.diagnostics.mysql.table_differences import TableDifferences, table_differences
from bot.lab.lab_state import LabInstance, LabState
from tests.actions.conftest import SHUT
from tests.actions.hands import administer, reader
from tests.recorded import MYSQL_57, Recorded

NOTES = {"schema": "shop", "table": "notes"}


def compared(lab: LabState, target: LabInstance) -> TableDifferences:
    members = []
    for each in lab.instances:
        if each.shard == target.shard:
            with reader(lab, each) as db:
                members.append(table_definition(db, **NOTES))
    with reader(lab, target) as db:
        found: TableDifferences = table_differences(db, **NOTES, members=tuple(members))
        return found


@pytest.mark.lab
def test_a_column_that_was_added_on_one_replica_is_named(notes, replica):
    primary = next(each for each in notes.instances if each.shard == replica.shard and each.role == "primary")
    assert (compared(notes, replica).exists, compared(notes, replica).differences) == (True, ())
    opened = [statement.replace("= 1", "= 0") for statement in SHUT[replica.flavour]][::-1]
    administer(
        replica, *opened, "SET sql_log_bin = 0", "ALTER TABLE shop.notes ADD COLUMN odd INT, ADD KEY by_odd (odd)"
    )
    try:
        found = compared(notes, replica)
    finally:
        administer(replica, "SET sql_log_bin = 0", "ALTER TABLE shop.notes DROP COLUMN odd", *SHUT[replica.flavour])
    at_primary = [(each.part, each.here, each.there) for each in found.differences if each.address == primary.address]
    assert at_primary == [("column odd", "int", "missing"), ("index by_odd", "(odd)", "missing")]
    assert found.compared == 2


def test_a_table_that_one_of_them_lacks():
    there = TableDefinition("db1:3306", "shop.notes", True, (TablePart("column id", "int"),))
    found = table_differences(Recorded(MYSQL_57, {"COLUMNS": [], "STATISTICS": []}), **NOTES, members=(there,))
    assert [(each.part, each.here, each.there) for each in found.differences] == [("table", "missing", "there")]


def test_without_a_table_nothing_is_compared():
    found = table_differences(Recorded(MYSQL_57, {}), schema="", table="", members=(TableDefinition("db1:3306"),))
    assert found == TableDifferences()
