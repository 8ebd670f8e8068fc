"""Who waits for whom: every kind of wait followed to the sessions at its roots."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from actions.blocking_sessions import Holder, read_holders
from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.live_holders import without_live
from actions.lock_suspects import (
    UNRECORDED,
    metadata_suspects,
    records_metadata_locks,
    row_suspects,
    suspected,
    table_suspects,
    unrecorded_transactions,
)
from actions.metadata_lock_queues import MetadataWaits, read_metadata_waits
from actions.row_lock_queues import MOST_SUSPECTS, read_row_waits
from actions.server_versions import processlist
from actions.session_waits import WaitKind, kind_of, read_metadata_statements, read_waiting_sessions
from actions.sql_quoting import placeholders
from actions.user_level_locks import read_user_level_locks
from actions.wait_roots import Queue, roots

MOST_ROOTS = 20
COMMITS = ("semi_sync", "commit")
"""Kinds of waits that are not for another session's lock."""
DDL = ("ALTER", "CREATE", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "REPAIR", "ANALYZE")
METADATA_KINDS = ("metadata", "global_read_lock", "backup_lock", "user_level_lock")
"""Kinds whose holders performance_schema.metadata_locks shows."""


@dataclass(frozen=True, slots=True)
class WaitGraph:
    """The sessions that wait for others, by kind, and the sessions at the roots of the waits."""

    EXACT: ClassVar[tuple[str, ...]] = (
        "waiting", "longest", "kinds", "holders", "killable", "kept", "remains", "blocking_applier", "blocking_ddl",
        "suspects", "suspected", "recorded", "flush_blockers", "ddl", "applier_waits", "commits",
        "behind_prepared", "behind_commits", "read",
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
    recorded: bool = False
    """Whether the server records who holds metadata locks: those that were taken since it began to."""
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
    def blocking_ddl(self) -> tuple[Holder, ...]:
        """The holders of what holds up schema changes: of metadata locks, the global read lock and the backup lock."""
        of_ddl = [each for each in self.holders if each.kind in METADATA_KINDS and each.kind != "user_level_lock"]
        return (*(each for each in self.killable if each in of_ddl), *(each for each in of_ddl if each.stays))

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
    def flush_blockers(self) -> tuple[Holder, ...]:
        """The suspects that FLUSH TABLES waits for: sessions that have the tables open."""
        return tuple(each for each in self.suspects if each.kind == "table_flush")

    @property
    def suspected(self) -> str:
        """Sentences that list the suspects, and say how to see the holder; '' if there is no suspect."""
        if not self.suspects:
            return ""
        listed = "; ".join(_in_words(each) for each in self.suspects)
        how_many = len(self.suspects)
        one = f"It is probably one of these {how_many} sessions: " if how_many > 1 else "The only known candidate is "
        return f"{one}{listed}. Firstmate ends none of them: ask {'their owners' if how_many > 1 else 'its owner'}."

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
def wait_graph(db: MySQL, *, idle_for: Seconds = 5.0) -> WaitGraph:
    """Reads which sessions wait for which, and follows each wait to the session at its root.

    It covers row locks, metadata locks, the global read lock, backup locks, table flushes, table locks and user-level
    locks. The compatibility of metadata locks is the server's own (MySQL, sql/mdl.cc), so a session that holds a
    compatible lock on the same table is no holder. Where nobody waits, only the process list and one counter are read.

    `idle_for` is the time without a statement from which the holder of a row or of a user-level lock counts as idle.
    A holder that may be killed is read twice, a second apart; with 0, once, and each idle session counts as idle.
    """
    kinds = read_waiting_sessions(db)
    by_kind = {each.kind: each for each in kinds}
    rows = read_row_waits(db)
    holding = sorted({holder for queue in rows.queues for holder in queue.holders} - {0})
    shown = by_kind.keys() & {*METADATA_KINDS}
    appliers = _appliers(db) if rows.waiting or shown else ()
    recorded = records_metadata_locks(db) if by_kind.keys() & {*METADATA_KINDS, *UNRECORDED} else False
    metadata = _metadata(db, by_kind, [*holding, *appliers]) if shown else MetadataWaits()
    if rows.waiting:
        kinds = (WaitKind("row", rows.waiting, rows.longest, _waiting_appliers(db, appliers)), *kinds)
    queues = (*rows.queues, *metadata.queues)
    found = roots(queues, _merged(rows.waits_in, metadata.waits_in))
    read = read_holders(db, found[:MOST_ROOTS], metadata.explicit, frozenset(appliers))
    # What the process list shows as waiting is no root; what it waits for is among the suspects.
    held_by = [each for each in read if kind_of(each.state) not in (*METADATA_KINDS, *UNRECORDED)]
    between = {each.thread_id for each in read if each not in held_by}
    reached = {id(queue) for root in found if root.thread_id not in between for queue in root.reached}
    behind = sum(each.waiting for each in read if each.thread_id in between)
    suspects = [*table_suspects(db, by_kind, behind, recorded), *row_suspects(db, rows)]
    statements = read_metadata_statements(db) if "metadata" in by_kind else ()
    unclear = _unclear(db, held_by, recorded, statements) if "metadata" in by_kind else []
    if "metadata" in by_kind and (unclear or _unheld(metadata, reached)):
        others = metadata_suspects(db, by_kind["metadata"].sessions, statements)
        known = {each.thread_id for each in held_by}
        suspects += [*(suspected(each) for each in unclear), *(each for each in others if each.thread_id not in known)]
    holders = without_live(db, [each for each in held_by if each not in unclear], rows.longest, idle_for)
    held = [each for each in kinds if each.kind not in COMMITS]
    waiting = sum(each.sessions for each in held)
    explained = sum(queue.waiting for queue in queues if id(queue) in reached) if holders else 0
    return WaitGraph(
        waiting=waiting,
        longest=max((each.longest for each in held), default=0.0),
        kinds=tuple(sorted(kinds, key=lambda each: -each.sessions)),
        holders=holders,
        suspects=tuple(sorted(suspects, key=lambda each: -max(each.command_for, each.age)))[:MOST_SUSPECTS],
        recorded=recorded,
        unexplained=max(0, waiting - explained),
        statements=rows.statements,
        ddl=next((each for _, each in statements if each.upper().startswith(DDL)), ""),
        applier_waits=any(each.appliers for each in kinds),
        commits=sum(by_kind[kind].sessions for kind in COMMITS if kind in by_kind) if "semi_sync" in by_kind else 0,
        read=rows.read,
        complete=rows.complete and metadata.complete and len(found) <= MOST_ROOTS,
    )


def _metadata(db: MySQL, by_kind: Mapping[str, WaitKind], others: Sequence[int]) -> MetadataWaits:
    """Reads the waits for metadata locks, and those for user-level locks where the record shows no holder."""
    found = read_metadata_waits(db, others)
    if "user_level_lock" not in by_kind or any(
        each.kind == "user_level_lock" and each.holders for each in found.queues
    ):
        return found
    waits_in = read_user_level_locks(db)
    queues = {id(queue): queue for waits in waits_in.values() for queue in waits}
    others_kept = [each for each in found.queues if each.kind != "user_level_lock"]
    return replace(
        found,
        queues=(*others_kept, *queues.values()),
        waits_in=_merged(found.waits_in, waits_in),
        explicit=found.explicit | {holder for queue in queues.values() for holder in queue.holders},
    )


def _unheld(metadata: MetadataWaits, reached: Collection[int]) -> bool:
    """Whether no recorded lock explains why sessions wait for a table; a schema change excludes its own request."""
    of_tables = [each for each in metadata.queues if each.kind == "metadata"]
    return not of_tables or any(id(each) not in reached for each in of_tables)


def _unclear(
    db: MySQL, holders: Sequence[Holder], recorded: bool, waiting: Sequence[tuple[Seconds, str]]
) -> list[Holder]:
    """Returns the holders of tables that may not be the only ones, since the record has a gap."""
    found = [each for each in holders if each.kind == "metadata" and not each.stays and each.kill]
    return found if found and recorded and unrecorded_transactions(db, waiting) else []


def _in_words(suspect: Holder) -> str:
    """Returns a suspect with what is known about it, for a list."""
    known = [f"transaction open for {suspect.age:.0f} s"] if suspect.started else []
    if suspect.idle:
        known.append(f"idle for {suspect.command_for:.0f} s")
    elif suspect.statement:
        known.append(f"has run for {suspect.command_for:.0f} s: {suspect.statement[:80]}")
    if suspect.object:
        known.append(f"has {suspect.object} open")
    return f"session {suspect.thread_id} of {suspect.who}" + (f" ({', '.join(known)})" if known else "")


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
