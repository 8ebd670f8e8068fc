"""Which schema changes are running, how far they are, and what they wait for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actions.contract import Cost, Flavour, MySQL, Percent, Seconds, diagnostic
from actions.server_versions import processlist
from actions.session_waits import kind_of
from actions.sessions import client_host
from actions.statement_redaction import normalise

Tool: TypeAlias = Literal["", "gh-ost", "pt-online-schema-change"]
DDL = ("ALTER", "CREATE INDEX", "CREATE UNIQUE", "DROP INDEX", "DROP TABLE", "RENAME", "TRUNCATE", "OPTIMIZE", "REPAIR")
_GHOST = re.compile(r"/\*\s*gh-ost|`_\w+_gh[oc]`|_\w+_gh[oc]\b", re.IGNORECASE)
_PERCONA = re.compile(r"pt-online-schema-change|`?_\w+_new`?\b.*LOW_PRIORITY|LOW_PRIORITY.*`?_\w+_new`?", re.IGNORECASE)
LOCKS = ("metadata", "backup_lock", "global_read_lock", "table_flush", "table_lock")
"""Kinds of waits that hold up a schema change; a commit that waits for a replica is none."""
LIKELY = "alter|create|drop|rename|truncate|optimize|repair|gh-ost|_gh[oc]|_new"
"""What a statement contains if it may be one; the server searches, so that other statements do not fill the answer."""
PROGRESS = """
SELECT t.PROCESSLIST_ID AS id, s.EVENT_NAME AS stage, s.WORK_COMPLETED AS done, s.WORK_ESTIMATED AS whole
  FROM performance_schema.events_stages_current s
  JOIN performance_schema.threads t ON t.THREAD_ID = s.THREAD_ID
 WHERE s.EVENT_NAME LIKE 'stage/innodb/alter%' AND s.WORK_ESTIMATED > 0
 LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A session that changes a schema, itself or for a tool."""

    thread_id: int
    """The session's id, as KILL takes it."""
    user: str
    host: str
    """The client's host."""
    running_for: Seconds
    """Time since the statement began."""
    state: str
    """The session's state in the process list."""
    statement: str
    """The statement, with literals as `?`."""
    waits_for_metadata_lock: bool
    """Whether it waits for a metadata lock."""
    progress: Percent | None
    """How far it is; empty if the server does not report it (in MySQL the consumer events_stages_current must be
    on)."""
    tool: Tool
    """The tool that runs it, recognized by its statement; '' for none."""
    waits_for: str = ""
    """The kind of lock that it waits for by its state, as in `mysql.wait_graph`: `metadata`, `backup_lock`,
    `global_read_lock`, `table_flush` or `table_lock`; '' for none."""


@dataclass(frozen=True, slots=True)
class SchemaChanges:
    """The running schema changes, the oldest first."""

    changes: tuple[SchemaChange, ...] = ()
    """The schema changes; 10 at most."""
    complete: bool = True
    """False if more than 500 statements look like schema changes: only the 500 oldest were searched."""

    @property
    def stuck(self) -> tuple[SchemaChange, ...]:
        """Schema changes that wait for a metadata lock, a backup lock or a global read lock."""
        return tuple(change for change in self.changes if change.waits_for_metadata_lock or change.waits_for)


@diagnostic(
    cost=Cost.MEDIUM,
    needs={Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"), Flavour.MARIADB: ("PROCESS",)},
)
def schema_changes(db: MySQL) -> SchemaChanges:
    """Reads the process list for DDL, and for the copying of gh-ost and pt-online-schema-change."""
    progress = "PROGRESS" if db.version.is_mariadb else "NULL"
    rows = db.rows(
        "SELECT ID AS id, USER AS user, HOST AS host, TIME AS time, COALESCE(STATE, '') AS state, "
        f"LEFT(INFO, 2000) AS info, {progress} AS progress FROM {processlist(db.version)} "
        "WHERE COMMAND IN ('Query', 'Execute') AND INFO REGEXP %s AND ID <> CONNECTION_ID() "
        "AND USER NOT IN ('event_scheduler') ORDER BY TIME DESC LIMIT 501",
        (LIKELY,),
        limit=501,
    )
    stages = [] if db.version.is_mariadb else db.rows(PROGRESS)
    done = {int(stage["id"]): 100.0 * int(stage["done"]) / int(stage["whole"]) for stage in stages}
    found = []
    for row in rows:
        text = str(row["info"])
        tool = _tool(text)
        statement = normalise(text)
        if not tool and not statement.upper().startswith(DDL):
            continue
        told = float(row["progress"]) if row["progress"] else done.get(int(row["id"]))
        found.append(
            SchemaChange(
                thread_id=int(row["id"]),
                user=str(row["user"]),
                host=client_host(row["host"]),
                running_for=float(row["time"] or 0),
                state=str(row["state"]),
                statement=statement,
                waits_for_metadata_lock="metadata lock" in str(row["state"]),
                progress=None if told is None else round(told, 1),
                tool=tool,
                waits_for=kind if (kind := kind_of(row["state"])) in LOCKS else "",
            )
        )
    return SchemaChanges(tuple(found[:10]), len(rows) <= 500)


def _tool(text: str) -> Tool:
    if _GHOST.search(text):
        return "gh-ost"
    return "pt-online-schema-change" if _PERCONA.search(text) else ""
