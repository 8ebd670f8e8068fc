"""The workloads of sessions, from the comments of their statements and the attributes of their connections.

An idle session has no statement any more; performance_schema keeps its latest ones. Query attributes (MySQL 8.0.23 and
later) are not among what a server shows to other sessions, so a workload that only they name is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from actions.contract import MySQL, Row, Unreadable
from actions.sql_quoting import placeholders
from actions.workload_names import plain_name, workload_of

MOST = 50
"""Sessions that are looked up."""
_STATEMENTS = """
SELECT t.PROCESSLIST_ID AS id, e.SQL_TEXT AS text, e.EVENT_ID AS event
  FROM performance_schema.threads t JOIN performance_schema.{table} e ON e.THREAD_ID = t.THREAD_ID
 WHERE t.PROCESSLIST_ID IN ({ids}) AND e.SQL_TEXT IS NOT NULL
 LIMIT 1000
"""
_PROGRAMS = """
SELECT PROCESSLIST_ID AS id, ATTR_VALUE AS program FROM performance_schema.session_connect_attrs
 WHERE ATTR_NAME = 'program_name' AND PROCESSLIST_ID IN ({ids})
"""


def workloads_of_sessions(db: MySQL, ids: Sequence[int]) -> dict[int, str]:
    """Returns the workload of each session by its id; a session whose workload is unknown is left out.

    The newest statement that names a workload counts, then the program that the client named when it connected.
    """
    asked = tuple(dict.fromkeys(ids))[:MOST]
    if not asked:
        return {}
    found: dict[int, str] = {}
    texts = [*_rows(db, _STATEMENTS, asked, "events_statements_current")]
    texts += _rows(db, _STATEMENTS, asked, "events_statements_history")
    for row in sorted(texts, key=lambda each: -int(each["event"])):
        name = workload_of(str(row["text"]))
        if name:
            found.setdefault(int(row["id"]), name)
    for row in _rows(db, _PROGRAMS, asked):
        name = plain_name(str(row["program"] or ""))
        if name:
            found.setdefault(int(row["id"]), name)
    return found


def named_session(user: str, host: str, workload: str) -> str:
    """Returns `app@10.1.2.3 (job:purge)`: whose session it is, for sentences."""
    return f"{user}@{host} ({workload})" if workload else f"{user}@{host}"


def _rows(db: MySQL, sql: str, ids: Sequence[int], table: str = "") -> list[Row]:
    """Returns the rows; none where performance_schema is off or not readable, since a name is not worth a failure."""
    try:
        return db.rows(sql.format(table=table, ids=placeholders(ids)), tuple(ids), limit=1000)
    except Unreadable:
        return []
