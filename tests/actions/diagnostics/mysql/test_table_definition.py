"""mysql.table_definition: the columns and indexes of one table."""

from __future__ import annotations

import pytest

from actions.diagnostics.mysql.table_definition import TableDefinition, TablePart, table_definition
from tests.actions.hands import reader
from tests.recorded import MYSQL_57, Recorded

NOTES = {"schema": "shop", "table": "notes"}


def test_the_display_width_of_integers_tells_no_tables_apart():
    columns = [{"name": "id", "type": "int(11) unsigned", "nullable": "NO"}]
    found = table_definition(Recorded(MYSQL_57, {"COLUMNS": columns, "STATISTICS": []}), **NOTES)
    assert found.parts == (TablePart("column id", "int unsigned NOT NULL"),)


def test_without_a_table_nothing_is_read():
    assert table_definition(Recorded(MYSQL_57, {}), schema="", table="") == TableDefinition("db7:3306")


@pytest.mark.lab
def test_a_table_of_real_servers(notes, server):
    with reader(notes, server) as db:
        found = table_definition(db, **NOTES)
        other = table_definition(db, schema="shop", table="nothing")
    assert [(part.name, part.definition) for part in found.parts] == [
        ("column id", "int NOT NULL"),
        ("column note", "varchar(40) NOT NULL"),
        ("index PRIMARY", "unique (id)"),
    ]
    assert (found.exists, other.exists) == (True, False)
