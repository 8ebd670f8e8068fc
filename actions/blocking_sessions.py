"""The sessions that others wait for: what each holds, and what releases it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from actions import killable_sessions, sessions
from actions.contract import Count, MySQL, Row, Seconds, Unreadable
from actions.server_versions import processlist
from actions.session_waits import kind_of
from actions.session_workloads import named_session, workloads_of_sessions
from actions.sql_quoting import placeholders
from actions.wait_roots import RootWait
from actions.workload_names import workload_of


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
    held_for: Seconds = 0.0
    """Time for which it has certainly held what the others wait for, without the time that it waited itself; 0 if that
    is not known."""
    live: bool = False
    """Whether it may have just got a row or a user-level lock: it ran a statement a moment ago, or was another one a
    second later. Such a session is not killed, since the next one in the queue takes its place."""
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
    also_behind: Count = 0
    """Those of the waiting sessions that also wait for one that is never ended: they wait on after the end of this
    one."""
    blocks_applier: bool = False
    """Whether the replication applier is among them."""
    kill: str = ""
    """What releases the locks: `query` if they belong to its statement alone, `connection` if its transaction or the
    session holds them; '' if it must not be killed."""
    protected: str = ""
    """Why Firstmate never ends it, in a sentence; '' if it may be ended."""
    inferred: bool = False
    """True for a suspicion: the server does not record who holds this kind of lock. Such a session is never killed."""
    ending: bool = False
    """Whether it was killed already and is rolling back, so that it releases its locks by itself."""
    prepared: bool = False
    """Whether it is a prepared (XA) transaction without a session, which only XA COMMIT or XA ROLLBACK ends."""
    workload: str = ""
    """The workload that it belongs to, by a comment of its statements or the program of its client; '' if unknown."""

    @property
    def who(self) -> str:
        """Its user, the client's host and, if it is known, its workload, such as `app@10.1.2.3 (job:purge)`."""
        return named_session(self.user, self.host, self.workload)

    @property
    def frees(self) -> Count:
        """Sessions that wait for it and for none that is never ended."""
        return max(0, self.waiting - self.also_behind)

    @property
    def stays(self) -> bool:
        """Whether it keeps its locks whatever Firstmate may do: protected, or a prepared transaction."""
        return self.prepared or bool(self.protected)


def read_holders(
    db: MySQL, found: Sequence[RootWait], explicit: Collection[int], appliers: frozenset[int]
) -> tuple[Holder, ...]:
    """Reads the sessions at the roots; one that has ended meanwhile is left out.

    `explicit` are sessions that hold a lock beyond their transaction, and `appliers` those of the replication applier.
    """
    details = read_sessions(db, [root.thread_id for root in found if root.thread_id])
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
                lock=lock_in_words(kind, name),
                waiting=root.waiting,
                kill=_kill(session, alone),
                blocks_applier=bool(root.behind & appliers),
            )
        )
    return _with_those_also_behind(holders, {root.thread_id: root for root in found})


def _with_those_also_behind(holders: Sequence[Holder], found: Mapping[int, RootWait]) -> tuple[Holder, ...]:
    """Counts for each holder that may be ended how many of its waiters wait for one that stays, too."""
    staying = {id(queue) for each in holders if each.stays for queue in found[each.thread_id].reached}
    return tuple(
        each
        if each.stays
        else replace(
            each,
            also_behind=sum(queue.waiting for queue in found[each.thread_id].reached if id(queue) in staying),
        )
        for each in holders
    )


def _kill(holder: Holder, alone: bool) -> str:
    """Returns what releases the locks. Only a statement that is its own transaction releases them when it ends.

    InnoDB keeps the row locks of a statement that was rolled back within a transaction (manual 17.7.4), and a metadata
    lock lasts until the end of the transaction.
    """
    if holder.prepared or holder.protected or kind_of(holder.state):
        return ""
    return "query" if alone and not holder.idle else "connection"


def lock_in_words(kind: str, name: str) -> str:
    """Returns what a holder holds, such as `row locks of shop.orders`; `kind` is one of `WaitKind`."""
    if kind in ("row", "metadata", "user_level_lock"):
        words = {"row": "row locks", "metadata": "the metadata lock", "user_level_lock": "the user-level lock"}[kind]
        return f"{words} of {name}" if name and kind != "user_level_lock" else f"{words} {name}".strip()
    return {"global_read_lock": "the global read lock", "backup_lock": "the backup lock"}.get(kind, "open tables")


def _objects(root: RootWait) -> str:
    """Returns what it holds, the most wanted first; 3 names at most."""
    names = dict.fromkeys(queue.object for queue in root.queues if queue.object)
    return ", ".join([*names][:3])


def read_sessions(db: MySQL, ids: Sequence[int]) -> dict[int, Holder]:
    """Reads these sessions, by id, without what they hold; one that has ended is missing."""
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
        ending=session.killed,
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
