"""How many temporary tables statements create, and how many of them go to disk."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import READERS_DATABASE, Bytes, Cost, Count, Flavour, MySQL, Percent, Seconds, diagnostic
from actions.ratios import percent
from actions.statement_redaction import normalise
from actions.status_counters import number, on, status, variables

NAMES = ("Created_tmp_tables", "Created_tmp_disk_tables")
WORST = f"""
SELECT LEFT(COALESCE(DIGEST_TEXT, ''), 600) AS text, SUM_CREATED_TMP_DISK_TABLES AS on_disk, COUNT_STAR AS calls
  FROM performance_schema.events_statements_summary_by_digest
 WHERE SUM_CREATED_TMP_DISK_TABLES > 0 AND LAST_SEEN > NOW() - INTERVAL 300 SECOND
   AND COALESCE(SCHEMA_NAME, '') <> '{READERS_DATABASE}'
 ORDER BY SUM_CREATED_TMP_DISK_TABLES DESC LIMIT 5
"""
MEMORY = """
SELECT EVENT_NAME AS name, CURRENT_NUMBER_OF_BYTES_USED AS used
  FROM performance_schema.memory_summary_global_by_event_name
 WHERE EVENT_NAME IN ('memory/temptable/physical_ram', 'memory/temptable/physical_disk')
"""


@dataclass(frozen=True, slots=True)
class DiskTableShape:
    """A normalized statement that created temporary tables on disk."""

    statement: str
    """The statement, with literals as `?`."""
    on_disk: Count
    """Temporary tables on disk since the statement was first seen."""
    calls: Count
    """Executions since it was first seen."""


@dataclass(frozen=True, slots=True)
class TemporaryTables:
    """Temporary tables created during the sample, and the statements that create them."""

    over: Seconds = 0.0
    """Time between the two samples."""
    made: Count = 0
    """Temporary tables created between the two samples."""
    on_disk: Count = 0
    """Those of them that went to disk."""
    share_on_disk: Percent = 0.0
    """Their share."""
    share_ever: Percent = 0.0
    """The share of temporary tables on disk since the server started."""
    in_memory: Bytes = 0
    """Memory that temporary tables take now (MySQL 8.0 and later)."""
    most_each: Bytes = 0
    """Memory that one may take: the smaller of tmp_table_size and max_heap_table_size."""
    most_together: Bytes = 0
    """Memory that all may take together (temptable_max_ram); 0 if the server has no such limit."""
    makers: tuple[DiskTableShape, ...] = ()
    """The statements that created the most on disk, among those seen in the last five minutes; 5 at most."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def temporary_tables(db: MySQL, *, over: Seconds = 1.0) -> TemporaryTables:
    """Samples the counters twice, and reads the limits and the statements that create the most on disk.

    `over` is the time between the samples.
    """
    before = status(db, *NAMES)
    names = ("tmp_table_size", "max_heap_table_size", "temptable_max_ram", "performance_schema")
    has = variables(db, *names)
    watched = on(has, "performance_schema")
    worst = db.rows(WORST, limit=5) if watched else []
    memory = db.rows(MEMORY) if watched and not db.version.is_mariadb and db.version.at_least(8, 0, 0) else []
    db.pause(over)
    after = status(db, *NAMES)
    made, on_disk = (number(after, name) - number(before, name) for name in NAMES)
    ever = number(after, NAMES[0])
    return TemporaryTables(
        over=over,
        made=made,
        on_disk=on_disk,
        share_on_disk=percent(on_disk, made),
        share_ever=percent(number(after, NAMES[1]), ever),
        in_memory=sum(int(row["used"]) for row in memory if str(row["name"]).endswith("ram")),
        most_each=min(number(has, "tmp_table_size"), number(has, "max_heap_table_size")),
        most_together=number(has, "temptable_max_ram"),
        makers=tuple(DiskTableShape(normalise(str(r["text"])), int(r["on_disk"]), int(r["calls"])) for r in worst),
    )
