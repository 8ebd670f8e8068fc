"""How the definition of one table differs between the members of a shard."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, diagnostic
from actions.diagnostics.mysql.table_definition import TableDefinition, table_definition

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A column or an index that differs between two servers."""

    part: str
    """`column NAME`, `index NAME`, or `table`."""
    here: str
    """Its definition on the target; `missing` if the target does not have it."""
    there: str
    """Its definition on the other server; `missing` if that one does not have it."""
    address: str
    """`host:port` of the other server."""


@dataclass(frozen=True, slots=True)
class TableDifferences:
    """The differences in one table's definition; rows are not compared."""

    table: str = ""
    """`schema.table`; '' if no table was compared."""
    exists: bool = False
    """Whether any member has the table."""
    compared: Count = 0
    """Members that were compared with the target."""
    differences: tuple[TableDifference, ...] = ()
    """The differences; 20 at most."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("REFERENCES ON *.*",), Flavour.MARIADB: ("REFERENCES ON *.*",)})
def table_differences(db: MySQL, *, schema: str, table: str, members: tuple[TableDefinition, ...]) -> TableDifferences:
    """Compares the definitions in `members` with that of the target: columns with their types, and indexes."""
    here = table_definition(db, schema=schema, table=table)
    others = [member for member in members if member.address != db.address and member.table]
    found = [difference for member in others for difference in _between(here, member)]
    exists = here.exists or any(member.exists for member in others)
    return TableDifferences(here.table, exists, len(others) if here.table else 0, tuple(found[:20]))


def _between(here: TableDefinition, there: TableDefinition) -> list[TableDifference]:
    if here.exists != there.exists:
        words = {True: "there", False: MISSING}
        return [TableDifference("table", words[here.exists], words[there.exists], there.address)]
    ours, theirs = ({part.name: part.definition for part in each.parts} for each in (here, there))
    return [
        TableDifference(name, ours.get(name, MISSING), theirs.get(name, MISSING), there.address)
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name) != theirs.get(name)
    ]
