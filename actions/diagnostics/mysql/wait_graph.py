"""Who waits for whom: every kind of wait followed to the sessions at its roots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from actions import killable_sessions, sessions
from actions.contract import Cost, Count, Flavour, MySQL, Row, Seconds, Unreadable, diagnostic
from actions.metadata_lock_queues import MetadataWaits, read_metadata_waits
from actions.row_lock_queues import RowWaits, read_row_waits
from actions.server_versions import processlist
from actions.session_waits import WaitKind, kind_of, read_waiting_sessions
from actions.session_workloads import named_session, workloads_of_sessions
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise
from actions.wait_roots import Queue, RootWait, roots
from actions.workload_names import workload_of

MOST_ROOTS = 20
MOST_SUSPECTS = 5
COMMITS = ("semi_sync", "commit")
"""Kinds of waits that are not for another session's lock."""
UNRECORDED = ("table_flush", "table_lock")
"""Kinds whose holders no server records."""
DDL = ("ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE")
METADATA_KINDS = ("metadata", "global_read_lock", "backup_lock", "user_level_lock")
"""Kinds whose holders performance_schema.metadata_locks shows."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A session that others wait for, and that waits for no session itself."""

    thread_id: int
    """The session's id, as KILL takes it; 0 for a prepared (XA) transaction without a session."""
    user: str = ""
    host: str = ""
    """The client's host."""
    command: str = ""
    """Its command in the process list; `Sleep` for an idle session."""
    state: str = ""
    """What it does now, as the process list says."""
    idle: bool = False
    """Whether it runs no statement."""
    age: Seconds = 0.0
    """Time since its transaction began; 0 if it has none."""
    started: str = ""
    """When its transaction began, in the system's time zone; '' if it has none."""
    command_for: Seconds = 0.0
    """Time for which it has been in its present command."""
    command_since: int = 0
    """When its present command began, as Unix time on the server."""
    rows_modified: Count = 0
    """Rows that a rollback would have to restore."""
    statement: str = ""
    """The statement that it runs, with literals as `?`; '' for an idle session."""
    kind: str = ""
    """The kind of what most sessions wait for; see `WaitKind`."""
    object: str = ""
    """What most sessions wait for, such as `shop.orders`; '' if the server does not say."""
    lock: str = ""
    """What it holds, in words, such as `row locks of shop.orders` or `the global read lock`."""
    waiting: Count = 0
    """Sessions that wait for it, directly or through others."""
    blocks_applier: bool = False
    """Whether the replication applier is among them."""
    kill: str = ""
    """What releases the locks: `query` if they belong to its statement alone, `connection` if its transaction or the
    session holds them; '' if it must not be killed."""
    protected: str = ""
    """Why Firstmate never ends it, in a sentence; '' if it may be ended."""
    inferred: bool = False
    """True for a suspicion: the server does not record who holds this kind of lock. Such a session is never killed."""
    prepared: bool = False
    """Whether it is a prepared (XA) transaction without a session, which only XA COMMIT or XA ROLLBACK ends."""
    workload: str = ""
    """The workload that it belongs to, by a comment of its statements or the program of its client; '' if unknown."""

    @property
    def who(self) -> str:
        """Its user, the client's host and, if it is known, its workload, such as `app@10.1.2.3 (job:purge)`."""
        return named_session(self.user, self.host, self.workload)


@dataclass(frozen=True, slots=True)
class WaitGraph:
    """The sessions that wait for others, by kind, and the sessions at the roots of the waits."""

    EXACT: ClassVar[tuple[str, ...]] = (
        "waiting", "longest", "kinds", "holders", "blocking_applier", "suspects", "ddl", "applier_waits", "commits",
        "behind_prepared", "read",
    )  # fmt: skip
    """What is right if `complete` is false, too: each holder is one, and only others may be missing."""

    waiting: Count = 0
    """Sessions that wait for another session, of all kinds but `semi_sync` and `commit`."""
    longest: Seconds = 0.0
    """Duration of the longest of these waits."""
    kinds: tuple[WaitKind, ...] = ()
    """The waits by kind, the kind with the most sessions first."""
    holders: tuple[Holder, ...] = ()
    """The sessions at the roots, the one with the most waiters first; 20 at most."""
    suspects: tuple[Holder, ...] = ()
    """Sessions that may hold what the others wait for, where the server does not record it; 5 at most."""
    unexplained: Count = 0
    """Waiting sessions whose holder is not known."""
    statements: tuple[str, ...] = ()
    """The statements that wait for rows, with literals as `?`; 5 at most."""
    ddl: str = ""
    """A DDL statement that waits; all later statements on its table queue behind it. '' if none waits."""
    applier_waits: bool = False
    """Whether the replication applier is among the waiting sessions."""
    commits: Count = 0
    """Commits that wait for a replica to acknowledge, with those that queue behind them (group commit)."""
    read: bool = True
    """False if the row locks were not read because too many rows are locked."""
    complete: bool = True
    """False if not every wait was followed to its root."""

    @property
    def blocking_applier(self) -> tuple[Holder, ...]:
        """The holders that the replication applier waits for."""
        return tuple(each for each in self.holders if each.blocks_applier)

    @property
    def behind_prepared(self) -> Count:
        """Sessions that wait for prepared (XA) transactions without a session."""
        return sum(each.waiting for each in self.holders if each.prepared)


@diagnostic(
    cost=Cost.HIGH,
    gated=True,
    needs={
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
        Flavour.MARIADB: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def wait_graph(db: MySQL) -> WaitGraph:
    """Reads which sessions wait for which, and follows each wait to the session at its root.

    It covers row locks, metadata locks, the global read lock, backup locks, table flushes, table locks and user-level
    locks. The compatibility of metadata locks is the server's own (MySQL, sql/mdl.cc), so a session that holds a
    compatible lock on the same table is no holder. Where nobody waits, only the process list and one counter are read.
    """
    kinds = read_waiting_sessions(db)
    by_kind = {each.kind: each for each in kinds}
    rows = read_row_waits(db)
    holding = sorted({holder for queue in rows.queues for holder in queue.holders} - {0})
    shown = by_kind.keys() & {*METADATA_KINDS}
    appliers = _appliers(db) if rows.waiting or shown else ()
    metadata = read_metadata_waits(db, [*holding, *appliers]) if shown else MetadataWaits()
    if rows.waiting:
        kinds = (WaitKind("row", rows.waiting, rows.longest, _waiting_appliers(db, appliers)), *kinds)
    queues = (*rows.queues, *metadata.queues)
    found = roots(queues, _merged(rows.waits_in, metadata.waits_in))
    read = _holders(db, found[:MOST_ROOTS], metadata.explicit, frozenset(appliers))
    # What the process list shows as waiting is no root; what it waits for is among the suspects.
    holders = tuple(each for each in read if kind_of(each.state) not in (*METADATA_KINDS, *UNRECORDED))
    between = [each for each in read if each not in holders]
    held = [each for each in kinds if each.kind not in COMMITS]
    waiting = sum(each.sessions for each in held)
    explained = sum(queue.waiting for queue in queues if queue.holders) if holders else 0
    return WaitGraph(
        waiting=waiting,
        longest=max((each.longest for each in held), default=0.0),
        kinds=tuple(sorted(kinds, key=lambda each: -each.sessions)),
        holders=holders,
        suspects=_suspects(db, by_kind, rows, metadata, between),
        unexplained=max(0, waiting - explained),
        statements=rows.statements,
        ddl=_waiting_ddl(db) if "metadata" in by_kind else "",
        applier_waits=any(each.appliers for each in kinds),
        commits=sum(by_kind[kind].sessions for kind in COMMITS if kind in by_kind) if "semi_sync" in by_kind else 0,
        read=rows.read,
        complete=rows.complete and metadata.complete and len(found) <= MOST_ROOTS,
    )


def _merged(*maps: Mapping[int, Sequence[Queue]]) -> dict[int, list[Queue]]:
    found: dict[int, list[Queue]] = {}
    for each in maps:
        for session, queues in each.items():
            found.setdefault(session, []).extend(queues)
    return found


def _holders(
    db: MySQL, found: Sequence[RootWait], explicit: Collection[int], appliers: frozenset[int]
) -> tuple[Holder, ...]:
    """Reads the sessions at the roots; one that has ended meanwhile is left out."""
    details = _details(db, [root.thread_id for root in found if root.thread_id])
    single = _single_statements(db, list(details))
    holders = []
    for root in found:
        session = details.get(root.thread_id) if root.thread_id else Holder(0, prepared=True)
        if session is None:
            continue
        kind, name = root.queues[0].kind, _objects(root)
        alone = root.thread_id in single and root.thread_id not in explicit
        holders.append(
            replace(
                session,
                kind=kind,
                object=name,
                lock=_in_words(kind, name),
                waiting=root.waiting,
                kill=_kill(session, alone),
                blocks_applier=bool(root.behind & appliers),
            )
        )
    return tuple(holders)


def _kill(holder: Holder, alone: bool) -> str:
    """Returns what releases the locks. Only a statement that is its own transaction releases them when it ends.

    InnoDB keeps the row locks of a statement that was rolled back within a transaction (manual 17.7.4), and a metadata
    lock lasts until the end of the transaction.
    """
    if holder.prepared or holder.protected or kind_of(holder.state):
        return ""
    return "query" if alone and not holder.idle else "connection"


def _in_words(kind: str, name: str) -> str:
    if kind in ("row", "metadata", "user_level_lock"):
        words = {"row": "row locks", "metadata": "the metadata lock", "user_level_lock": "the user-level lock"}[kind]
        return f"{words} of {name}" if name and kind != "user_level_lock" else f"{words} {name}".strip()
    return {"global_read_lock": "the global read lock", "backup_lock": "the backup lock"}.get(kind, "open tables")


def _objects(root: RootWait) -> str:
    """Returns what it holds, the most wanted first; 3 names at most."""
    names = dict.fromkeys(queue.object for queue in root.queues if queue.object)
    return ", ".join([*names][:3])


def _details(db: MySQL, ids: Sequence[int]) -> dict[int, Holder]:
    if not ids:
        return {}
    rows = db.rows(
        f"SELECT {sessions.columns(db.version)}, p.HOST AS host, p.TIME AS time, "
        "COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), 0) AS age "
        f"FROM {processlist(db.version)} p LEFT JOIN information_schema.INNODB_TRX t "
        f"ON t.trx_mysql_thread_id = p.ID WHERE p.ID IN ({placeholders(ids)})",
        tuple(ids),
    )
    workloads = workloads_of_sessions(db, [int(row["id"]) for row in rows])
    return {int(row["id"]): _holder(row, workloads.get(int(row["id"]), "")) for row in rows}


def _holder(row: Row, workload: str) -> Holder:
    session = sessions.from_row(row)
    return Holder(
        thread_id=session.thread_id,
        user=session.user,
        host=sessions.client_host(row["host"]),
        command=session.command,
        state=str(row["state"] or ""),
        idle=session.idle,
        age=float(row["age"]),
        started=session.transaction_started,
        command_for=float(row["time"] or 0),
        command_since=session.command_since,
        rows_modified=session.rows_modified,
        statement=session.statement,
        protected=killable_sessions.protection(session),
        workload=workload_of(str(row["info"] or "")) or workload,
    )


def _single_statements(db: MySQL, ids: Sequence[int]) -> frozenset[int]:
    """Returns the sessions whose transaction is their present statement alone (autocommit).

    MySQL records it in events_transactions_current; where that is off, and on MariaDB, it is not known.
    """
    if not ids or db.version.is_mariadb:
        return frozenset()
    try:
        rows = db.rows(
            "SELECT t.PROCESSLIST_ID AS id FROM performance_schema.events_transactions_current e "
            "JOIN performance_schema.threads t ON t.THREAD_ID = e.THREAD_ID "
            f"WHERE e.STATE = 'ACTIVE' AND e.AUTOCOMMIT = 'YES' AND t.PROCESSLIST_ID IN ({placeholders(ids)})",
            tuple(ids),
        )
    except Unreadable:
        return frozenset()
    return frozenset(int(row["id"]) for row in rows)


def _appliers(db: MySQL) -> tuple[int, ...]:
    """Returns the sessions of the replication applier."""
    rows = db.rows(f"SELECT ID AS id FROM {processlist(db.version)} WHERE USER = 'system user' LIMIT 200")
    return tuple(int(row["id"]) for row in rows)


def _waiting_appliers(db: MySQL, appliers: Sequence[int]) -> int:
    """Returns how many of these sessions wait for row locks."""
    if not appliers:
        return 0
    rows = db.rows(
        "SELECT COUNT(*) AS waiting FROM information_schema.INNODB_TRX "
        f"WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id IN ({placeholders(appliers)})",
        tuple(appliers),
    )
    return int(rows[0]["waiting"]) if rows else 0


def _waiting_ddl(db: MySQL) -> str:
    rows = db.rows(
        f"SELECT INFO AS info FROM {processlist(db.version)} WHERE STATE LIKE '%metadata lock' AND INFO IS NOT NULL "
        "ORDER BY TIME DESC LIMIT 200"
    )
    statements = (normalise(row["info"]) for row in rows)
    return next((each for each in statements if each.upper().startswith(DDL)), "")


def _suspects(
    db: MySQL, by_kind: Mapping[str, WaitKind], rows: RowWaits, metadata: MetadataWaits, between: Sequence[Holder]
) -> tuple[Holder, ...]:
    """Returns sessions that may hold what is not recorded: suspicions, which are never killed."""
    found: list[Holder] = []
    unrecorded = [by_kind[kind] for kind in UNRECORDED if kind in by_kind]
    if unrecorded:
        waiting = sum(each.sessions for each in unrecorded) + sum(each.waiting for each in between)
        since = max(each.longest for each in unrecorded)
        for holder in _details(db, _using_tables(db, since)).values():
            found.append(_suspect(holder, unrecorded[0].kind, waiting))
    if rows.suspects:
        for holder in _details(db, rows.suspects).values():
            found.append(_suspect(holder, "row", rows.waiting))
    if "metadata" in by_kind and not any(queue.holders for queue in metadata.queues):
        for holder in _details(db, _oldest_transaction(db)).values():
            found.append(_suspect(holder, "metadata", by_kind["metadata"].sessions))
    return tuple(sorted(found, key=lambda each: -max(each.command_for, each.age)))[:MOST_SUSPECTS]


def _suspect(holder: Holder, kind: str, waiting: int) -> Holder:
    return replace(holder, kind=kind, lock=_in_words(kind, ""), waiting=waiting, inferred=True)


def _using_tables(db: MySQL, since: float) -> list[int]:
    """Returns the sessions that have run a statement for at least so long, the longest first: they use tables."""
    rows = db.rows(
        f"SELECT ID AS id, STATE AS state FROM {processlist(db.version)} WHERE COMMAND IN ('Query', 'Execute') "
        "AND TIME >= %s AND ID <> CONNECTION_ID() AND USER NOT IN ('system user', 'event_scheduler') "
        "ORDER BY TIME DESC LIMIT 200",
        (max(0, int(since) - 1),),
    )
    return [int(row["id"]) for row in rows if not kind_of(row["state"])][:MOST_SUSPECTS]


def _oldest_transaction(db: MySQL) -> list[int]:
    """Returns the session of the oldest transaction that waits for nothing."""
    rows = db.rows(
        f"SELECT p.ID AS id, p.STATE AS state FROM information_schema.INNODB_TRX t JOIN {processlist(db.version)} p "
        "ON p.ID = t.trx_mysql_thread_id WHERE t.trx_state = 'RUNNING' AND p.ID <> CONNECTION_ID() "
        "AND p.USER NOT IN ('system user', 'event_scheduler') ORDER BY t.trx_started LIMIT 50"
    )
    return [int(row["id"]) for row in rows if not kind_of(row["state"])][:1]
