"""Tells holders that keep a lock from those that have just got it: hot rows, whose lock passes from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from actions import sessions
from actions.blocking_sessions import Holder
from actions.contract import MySQL, Row, Seconds, Unreadable
from actions.sessions import Session
from actions.sql_quoting import placeholders

PASSED_ON = ("row", "user_level_lock")
"""Kinds whose locks pass from one waiter to the next. Those who wait for a schema change do not hold it up in turn."""
AGAIN = 1.0
"""Seconds between the two looks."""
RECORDED = 10
"""Statements of each session in events_statements_history (performance_schema_events_statements_history_size)."""
SINCE_ITS_LAST_WAIT = """
SELECT t.PROCESSLIST_ID AS id, COUNT(*) AS statements,
       (MAX(n.TIMER_END) - MIN(e.TIMER_START)) / 1e12 AS oldest,
       (MAX(n.TIMER_END) - MAX(e.TIMER_END)) / 1e12 AS ended,
       (MAX(n.TIMER_END) - MAX(IF(e.TIMER_WAIT >= 5e11, e.TIMER_END, NULL))) / 1e12 AS since
  FROM performance_schema.events_statements_history e
  JOIN performance_schema.threads t ON t.THREAD_ID = e.THREAD_ID
  JOIN (SELECT c.TIMER_END FROM performance_schema.events_statements_current c
          JOIN performance_schema.threads o ON o.THREAD_ID = c.THREAD_ID
         WHERE o.PROCESSLIST_ID = CONNECTION_ID() ORDER BY c.EVENT_ID LIMIT 1) n
 WHERE t.PROCESSLIST_ID IN ({ids}) GROUP BY t.PROCESSLIST_ID
"""
"""The end of a running statement is the present time. A statement of 0.5 s or more may have waited."""


def without_live(db: MySQL, holders: Sequence[Holder], longest: Seconds, idle_for: Seconds) -> tuple[Holder, ...]:
    """Takes the kill from the holders that are live, and from those that are no longer the same at a second look.

    `longest` is the longest wait for a row, and `idle_for` the time from which a session counts as idle. The age of a
    transaction says nothing here, since it contains the time that the transaction waited itself.
    """
    held = _with_held_for(db, holders, longest)
    found = [replace(each, kill="", live=True) if _is_live(each, idle_for) else each for each in held]
    offered = [each.thread_id for each in found if each.kill]
    if not offered or idle_for <= 0:
        return tuple(found)
    db.pause(AGAIN)
    now = {each.thread_id: each for each in sessions.read_all(db, tuple(offered))}
    return tuple(
        replace(each, kill="", live=True) if each.kill and not _same(each, now.get(each.thread_id)) else each
        for each in found
    )


def _is_live(holder: Holder, idle_for: Seconds) -> bool:
    """Whether it may have just got what it holds: its last statement has ended or begun a moment ago."""
    if not holder.kill or holder.kind not in PASSED_ON:
        return False
    short = holder.command_for < idle_for
    return short or holder.held_for < idle_for if holder.idle else short and holder.held_for < idle_for


def _same(holder: Holder, now: Session | None) -> bool:
    """Whether it is in the same transaction as before, and, if that was all it did, still does the same."""
    if now is None or now.killed or now.user != holder.user or now.transaction_started != holder.started:
        return False
    if holder.kind not in PASSED_ON and holder.started:
        return True
    if holder.idle or holder.kill == "query" or not holder.started:
        return now.idle == holder.idle and now.runs_since(holder.command_since)
    # Its statement may have waited until now; what it held before that statement, it holds on.
    return holder.held_for > 0 or now.runs_since(holder.command_since)


def _with_held_for(db: MySQL, holders: Sequence[Holder], longest: Seconds) -> list[Holder]:
    """Adds for how long each has certainly held its lock, and how long an idle one really has been idle.

    Rows are granted in the order of the requests: what has not waited itself since the first waiter came, held the row
    before that. An idle session waits for nothing. In MySQL, the process list counts the time of an idle session from
    the start of its last statement, with all its waits (seen in MySQL 9.7); MariaDB counts from the end.
    """
    rows = _statements(db, [each.thread_id for each in holders if each.kind in PASSED_ON and each.thread_id])
    return [_held(each, rows.get(each.thread_id), longest, db.version.is_mariadb) for each in holders]


def _held(holder: Holder, row: Row | None, longest: Seconds, from_the_end: bool) -> Holder:
    if row is None:
        return replace(holder, held_for=holder.command_for if holder.idle and from_the_end else 0.0)
    idle = float(max(0, int(row["ended"] or 0))) if holder.idle else 0.0
    since = row["since"] if row["since"] is not None else row["oldest"]
    whole = row["since"] is None and int(row["statements"]) < RECORDED
    bound = longest if whole else min(longest, max(0.0, float(since or 0)))
    held_for = max(idle, bound if holder.kind == "row" else 0.0)
    return replace(holder, held_for=held_for, command_for=idle if holder.idle else holder.command_for)


def _statements(db: MySQL, ids: Sequence[int]) -> Mapping[int, Row]:
    """Returns when the last statements of each session ended; nothing where performance_schema does not record them."""
    if not ids or not db.version.performance_schema:
        return {}
    try:
        rows = db.rows(SINCE_ITS_LAST_WAIT.format(ids=placeholders(ids)), tuple(ids), limit=len(ids))
    except Unreadable:
        return {}
    return {int(row["id"]): row for row in rows}
