"""Who waits for whom: every kind of wait followed to the sessions at its roots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from actions.blocking_sessions import Holder, lock_in_words, read_holders, read_sessions
from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.metadata_lock_queues import MetadataWaits, read_metadata_waits
from actions.row_lock_queues import RowWaits, read_row_waits
from actions.server_versions import processlist
from actions.session_waits import WaitKind, kind_of, read_waiting_sessions
from actions.sql_quoting import placeholders
from actions.statement_redaction import normalise
from actions.wait_roots import Queue, roots

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
class WaitGraph:
    """The sessions that wait for others, by kind, and the sessions at the roots of the waits."""

    EXACT: ClassVar[tuple[str, ...]] = (
        "waiting", "longest", "kinds", "holders", "killable", "kept", "remains", "blocking_applier", "suspects", "ddl",
        "applier_waits", "commits", "behind_prepared", "behind_commits", "read",
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
        """The holders that the replication applier waits for, those that are never ended first: they decide."""
        return tuple(sorted((each for each in self.holders if each.blocks_applier), key=lambda each: not each.stays))

    @property
    def killable(self) -> tuple[Holder, ...]:
        """The holders that may be ended and whose end frees somebody, the one that frees most sessions first.

        A holder is left out if all its waiters wait for one that is never ended, too.
        """
        may = [each for each in self.holders if each.kill and not (each.also_behind and not each.frees)]
        return tuple(sorted(may, key=lambda each: -each.frees))

    @property
    def kept(self) -> tuple[Holder, ...]:
        """The holders that are never ended: protected sessions and prepared transactions, by their waiters."""
        return tuple(each for each in self.holders if each.stays)

    @property
    def remains(self) -> str:
        """A sentence about the holders that stay when all others have been ended; '' if none does."""
        return " ".join(_remains(each) for each in self.kept)

    @property
    def only_kept(self) -> bool:
        """Whether all that wait are known to wait for holders that are never ended and do not end by themselves."""
        stuck = bool(self.holders) and all(each.stays and not each.ending for each in self.holders)
        return stuck and self.complete and not self.unexplained

    @property
    def behind_prepared(self) -> Count:
        """Sessions that wait for prepared (XA) transactions without a session."""
        return sum(each.waiting for each in self.holders if each.prepared)

    @property
    def behind_commits(self) -> Count:
        """Sessions that wait for the locks of a commit that waits itself, for a replica to acknowledge."""
        return sum(each.waiting for each in self.holders if kind_of(each.state) in COMMITS) if self.commits else 0


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
    read = read_holders(db, found[:MOST_ROOTS], metadata.explicit, frozenset(appliers))
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


def _remains(holder: Holder) -> str:
    """Returns the sentence about one holder that stays."""
    behind = f"{holder.waiting} {'session waits' if holder.waiting == 1 else 'sessions wait'} for it"
    if holder.prepared:
        return f"A prepared (XA) transaction remains: {behind}, and only XA COMMIT or XA ROLLBACK ends it."
    if holder.ending:
        return f"Session {holder.thread_id} of {holder.who} remains until its rollback ends: {behind}."
    return f"Session {holder.thread_id} of {holder.who} remains: {behind}, and Firstmate does not end it."


def _merged(*maps: Mapping[int, Sequence[Queue]]) -> dict[int, list[Queue]]:
    found: dict[int, list[Queue]] = {}
    for each in maps:
        for session, queues in each.items():
            found.setdefault(session, []).extend(queues)
    return found


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
        for holder in read_sessions(db, _using_tables(db, since)).values():
            found.append(_suspect(holder, unrecorded[0].kind, waiting))
    if rows.suspects:
        for holder in read_sessions(db, rows.suspects).values():
            found.append(_suspect(holder, "row", rows.waiting))
    if "metadata" in by_kind and not any(queue.holders for queue in metadata.queues):
        for holder in read_sessions(db, _oldest_transaction(db)).values():
            found.append(_suspect(holder, "metadata", by_kind["metadata"].sessions))
    return tuple(sorted(found, key=lambda each: -max(each.command_for, each.age)))[:MOST_SUSPECTS]


def _suspect(holder: Holder, kind: str, waiting: int) -> Holder:
    return replace(holder, kind=kind, lock=lock_in_words(kind, ""), waiting=waiting, inferred=True)


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
