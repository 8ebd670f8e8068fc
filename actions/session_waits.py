"""The waits that a server's process list shows: how many sessions wait, for what kind of thing, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Count, MySQL, Seconds
from actions.server_versions import processlist
from actions.statement_redaction import normalise

STATES = {
    "waiting for global read lock": "global_read_lock",
    "waiting for commit lock": "global_read_lock",
    "waiting for backup lock": "backup_lock",
    "waiting for table flush": "table_flush",
    "waiting for table level lock": "table_lock",
    "waiting for table lock": "table_lock",
    "user lock": "user_level_lock",
    "waiting for user lock": "user_level_lock",
    "waiting for semi-sync ack from replica": "semi_sync",
    "waiting for semi-sync ack from slave": "semi_sync",
    "waiting for handler commit": "commit",
    "waiting for prior transaction to commit": "commit",
    "waiting for preceding transaction to commit": "commit",
}
"""State in lower case -> kind of wait. A state that ends in METADATA is a wait for a metadata lock."""
METADATA = " metadata lock"
LONG_COMMIT = 2.0
"""Seconds from which a commit counts as waiting; each commit is in that state for a moment."""


@dataclass(frozen=True, slots=True)
class WaitKind:
    """The sessions that wait for one kind of thing."""

    kind: str
    """`row`, `metadata`, `global_read_lock`, `backup_lock`, `table_flush`, `table_lock`, `user_level_lock`, `semi_sync`
    (a commit waits for a replica to acknowledge) or `commit` (a commit waits for one before it)."""
    sessions: Count
    """Sessions that wait, those of the replication applier included."""
    longest: Seconds
    """Duration of the longest wait."""
    appliers: Count = 0
    """Sessions of the replication applier among them."""


def kind_of(state: object) -> str:
    """Returns the kind of wait that a state of the process list shows; '' if it shows none."""
    text = str(state or "").lower().strip()
    if text.endswith(METADATA):
        return "metadata"
    return next((kind for start, kind in STATES.items() if text.startswith(start)), "")


def read_waiting_sessions(db: MySQL) -> tuple[WaitKind, ...]:
    """Reads the sessions that wait by kind, the kind with the most sessions first; row locks show no state."""
    rows = db.rows(
        "SELECT COALESCE(STATE, '') AS state, COUNT(*) AS sessions, MAX(TIME) AS longest, "
        "SUM(USER = 'system user') AS appliers "
        f"FROM {processlist(db.version)} WHERE STATE LIKE '%ait%' OR STATE = 'User lock' GROUP BY STATE LIMIT 200"
    )
    found: dict[str, WaitKind] = {}
    for row in rows:
        kind, longest = kind_of(row["state"]), float(row["longest"] or 0)
        if not kind or (kind == "commit" and longest < LONG_COMMIT):
            continue
        before = found.get(kind, WaitKind(kind, 0, 0.0))
        found[kind] = WaitKind(
            kind,
            before.sessions + int(row["sessions"]),
            max(before.longest, longest),
            before.appliers + int(row["appliers"] or 0),
        )
    return tuple(sorted(found.values(), key=lambda each: (-each.sessions, each.kind)))


def read_metadata_statements(db: MySQL) -> tuple[tuple[Seconds, str], ...]:
    """Returns the statements that wait for a metadata lock, the longest first, each with its time so far.

    Literals are `?`. The time is that of the statement, which may have done something else before.
    """
    rows = db.rows(
        f"SELECT TIME AS time, INFO AS info FROM {processlist(db.version)} WHERE STATE LIKE '%metadata lock' "
        "AND INFO IS NOT NULL ORDER BY TIME DESC LIMIT 200"
    )
    return tuple((float(row["time"] or 0), normalise(row["info"])) for row in rows)
