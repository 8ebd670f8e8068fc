"""Which distributed transactions are unresolved, and what was decided about each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from actions.contract import Cost, Count, Flavour, Row, Seconds, Unreadable, diagnostic
from actions.protobuf_json import Record, integer, records, text
from actions.statement_redaction import redact_error
from actions.vitess_contract import Component, Tablet, Vitess, primaries

State = Literal["PREPARE", "ROLLBACK", "COMMIT", "UNKNOWN"]
STATES: dict[int, State] = {1: "PREPARE", 2: "ROLLBACK", 3: "COMMIT"}
"""The numbers of _vt.dt_state."""
FAILED = 0
"""The state in _vt.redo_state of a share that could not be committed."""
SHARDS = 16
"""Shards whose pages are read; the RPC covers the others as well."""
MOST = 50


@dataclass(frozen=True, slots=True)
class DistributedTransaction:
    """A distributed transaction, as recorded by the shard that keeps its decision."""

    dtid: str
    """`keyspace:shard:number`."""
    state: State = "UNKNOWN"
    """PREPARE: undecided, so no shard has committed it. ROLLBACK: it is to be rolled back. COMMIT: the shard that keeps
    the decision has committed it, and all others must."""
    age: Seconds = 0.0
    """Time since it was created."""
    shard: str = ""
    """The shard that keeps the decision."""
    participants: tuple[str, ...] = ()
    """`keyspace/shard` of each participant; includes the shard that keeps the decision if Vitess names it."""


@dataclass(frozen=True, slots=True)
class PreparedShare:
    """The share of a distributed transaction that one shard has prepared; it holds its locks."""

    dtid: str
    shard: str
    tablet: str = ""
    """The primary that holds it."""
    age: Seconds = 0.0
    """Time since it was prepared."""
    statements: Count = 0
    """Its statements; 0 if read from the tables of _vt."""
    failed: bool = False
    """Whether the shard could not commit it, and gave up."""
    message: str = ""
    """Why it could not be committed; '' if it did not fail."""


@dataclass(frozen=True, slots=True)
class UnresolvedTransactions:
    """Distributed transactions older than `older_than`, the oldest first."""

    keyspace: str = ""
    transactions: tuple[DistributedTransaction, ...] = ()
    """Transactions whose decision is recorded; 50 at most."""
    prepared: tuple[PreparedShare, ...] = ()
    """Shares that shards have prepared; 50 at most."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def count(self) -> Count:
        """Transactions, including those of which only shares are known."""
        known = {one.dtid for one in self.transactions}
        return len(known | {one.dtid for one in self.prepared})

    @property
    def undecided(self) -> tuple[DistributedTransaction, ...]:
        """Transactions that no shard has committed: rolling them back loses nothing that a client was told is
        committed."""
        return tuple(one for one in self.transactions if one.state in ("PREPARE", "ROLLBACK"))

    @property
    def committed(self) -> tuple[DistributedTransaction, ...]:
        """Transactions that all shards must commit."""
        return tuple(one for one in self.transactions if one.state == "COMMIT")

    @property
    def orphaned(self) -> tuple[PreparedShare, ...]:
        """Shares whose transaction is unknown to every shard that was read."""
        known = {one.dtid for one in self.transactions}
        return tuple(one for one in self.prepared if one.dtid not in known)

    @property
    def failed(self) -> tuple[PreparedShare, ...]:
        """Shares that could not be committed."""
        return tuple(one for one in self.prepared if one.failed)

    @property
    def oldest(self) -> Seconds:
        """Age of the oldest transaction or share; 0 if there is none."""
        ages = [one.age for one in self.transactions] + [one.age for one in self.prepared]
        return max(ages, default=0.0)


@diagnostic(cost=Cost.LOW, needs={Flavour.VITESS: ("GetTablets", "GetUnresolvedTransactions", "vttablet /twopcz")})
def unresolved_transactions(vt: Vitess, *, older_than: Seconds = 30.0) -> UnresolvedTransactions:
    """Reads the distributed transactions of each shard's primary, and those of the keyspace from vtctld.

    `older_than` is the minimum age. Vitess itself calls a transaction unresolved after 15 minutes
    (--twopc-abandon-age), but one that a dead vtgate left behind holds its locks from the first second. If a vttablet
    does not answer, its tables in _vt are read from its MySQL server, provided that the reader has SELECT ON _vt.*.
    """
    now = time.time()
    missing: list[str] = []
    found: dict[str, DistributedTransaction] = {}
    prepared: list[PreparedShare] = []
    read = _from_vtctld(vt, older_than, now, found, missing)
    for tablet in _primaries(vt, missing):
        read = _from_tablet(vt, tablet, now, found, prepared, missing) or read
    if not read:
        raise Unreadable(" ".join(missing))
    old = [one for one in found.values() if one.age >= older_than]
    kept = [one for one in prepared if one.age >= older_than]
    return UnresolvedTransactions(
        keyspace=vt.keyspace,
        transactions=tuple(sorted(old, key=lambda one: -one.age)[:MOST]),
        prepared=tuple(sorted(kept, key=lambda one: -one.age)[:MOST]),
        missing=tuple(missing),
    )


def _from_vtctld(
    vt: Vitess, older_than: Seconds, now: float, found: dict[str, DistributedTransaction], missing: list[str]
) -> bool:
    try:
        answer = vt.rpc("GetUnresolvedTransactions", keyspace=vt.keyspace, abandon_age=max(1, int(older_than)))
    except Unreadable as error:
        missing.append(f"The unresolved transactions of {vt.keyspace} could not be read: {error}")
        return False
    for record in records(answer, "transactions")[:MOST]:
        dtid = text(record, "dtid")
        found[dtid] = transaction_from_record(record, now)
    return True


def transaction_from_record(record: Record, now: float) -> DistributedTransaction:
    """Builds a transaction from vtctld's record of it."""
    dtid, state = text(record, "dtid"), text(record, "state")
    return DistributedTransaction(
        dtid=dtid,
        state=_state(state),
        age=_age(integer(record, "time_created"), now),
        shard=_shard(dtid),
        participants=tuple(
            sorted(f"{text(one, 'keyspace')}/{text(one, 'shard')}" for one in records(record, "participants"))
        ),
    )


def _from_tablet(
    vt: Vitess,
    tablet: Tablet,
    now: float,
    found: dict[str, DistributedTransaction],
    prepared: list[PreparedShare],
    missing: list[str],
) -> bool:
    answers = vt.web(Component.VTTABLET, "/twopcz?format=json", tablet=tablet.alias)
    body = answers[0].body if answers and answers[0].ok else None
    if not isinstance(body, dict):
        why = answers[0].error if answers else "the topology has no such tablet"
        missing.append(f"/twopcz of vttablet {tablet.alias} could not be read: {why or 'it is not JSON'}")
        return _from_tables(vt, tablet, now, found, prepared, missing)
    for record in records(body, "Distributed")[:MOST]:
        dtid = text(record, "Dtid")
        shards = (f"{text(one, 'keyspace')}/{text(one, 'shard')}" for one in records(record, "Participants"))
        found.setdefault(
            dtid,
            DistributedTransaction(
                dtid, _state(text(record, "State")), _since(record, "Created", now), tablet.shard, (*shards,)
            ),
        )
    for name in ("Prepared", "Failed"):
        prepared += [
            PreparedShare(
                dtid=text(record, "Dtid"),
                shard=tablet.shard,
                tablet=tablet.alias,
                age=_since(record, "Time", now),
                statements=len(record.get("Queries") or ()),
                failed=name == "Failed",
                message=redact_error(text(record, "Message"))[:200],
            )
            for record in records(body, name)[:MOST]
        ]
    return True


def _from_tables(
    vt: Vitess,
    tablet: Tablet,
    now: float,
    found: dict[str, DistributedTransaction],
    prepared: list[PreparedShare],
    missing: list[str],
) -> bool:
    try:
        db = vt.mysql_of(tablet.alias)
        decided = db.rows(
            "SELECT CONVERT(s.dtid USING utf8mb4) AS dtid, s.state AS state, s.time_created AS created, "
            "CONCAT(p.keyspace, '/', p.shard) AS participant FROM _vt.dt_state s "
            "LEFT JOIN _vt.dt_participant p ON p.dtid = s.dtid ORDER BY s.time_created, p.id LIMIT 200"
        )
        shares = db.rows(
            "SELECT CONVERT(dtid USING utf8mb4) AS dtid, state AS state, time_created AS created, "
            f"COALESCE(message, '') AS message FROM _vt.redo_state ORDER BY time_created LIMIT {MOST}"
        )
    except Unreadable as error:
        missing.append(
            f"The tables of distributed transactions on the MySQL server of {tablet.alias} could not be read: {error}"
        )
        return False
    for dtid in dict.fromkeys(str(row["dtid"]) for row in decided):
        found.setdefault(dtid, _decided([row for row in decided if row["dtid"] == dtid], tablet, now))
    prepared += [
        PreparedShare(
            dtid=str(row["dtid"]),
            shard=tablet.shard,
            tablet=tablet.alias,
            age=_age(int(row["created"]), now),
            failed=int(row["state"]) == FAILED,
            message=redact_error(str(row["message"]))[:200],
        )
        for row in shares
    ]
    return True


def _decided(rows: list[Row], tablet: Tablet, now: float) -> DistributedTransaction:
    return DistributedTransaction(
        dtid=str(rows[0]["dtid"]),
        state=STATES.get(int(rows[0]["state"]), "UNKNOWN"),
        age=_age(int(rows[0]["created"]), now),
        shard=tablet.shard,
        participants=tuple(str(row["participant"]) for row in rows if row["participant"]),
    )


def _primaries(vt: Vitess, missing: list[str]) -> list[Tablet]:
    try:
        found = sorted(primaries(vt.tablets(of_keyspace=True)).values(), key=lambda tablet: tablet.shard)
    except Unreadable as error:
        missing.append(str(error))
        return []
    if len(found) > SHARDS:
        missing.append(f"The pages of {SHARDS} of {len(found)} shards were read; vtctld was read for all of them.")
    # The shard of the target is always among those that are read.
    return sorted(found, key=lambda tablet: tablet.shard != vt.shard)[:SHARDS]


def _state(word: str) -> State:
    return cast(State, word) if word in STATES.values() else "UNKNOWN"


def _shard(dtid: str) -> str:
    """Returns the shard that keeps the decision: a dtid is `keyspace:shard:number`."""
    parts = dtid.split(":")
    return parts[1] if len(parts) == 3 else ""


def _age(nanoseconds: int, now: float) -> float:
    return round(max(0.0, now - nanoseconds / 1e9), 1) if nanoseconds else 0.0


def _since(record: Record, name: str, now: float) -> float:
    """Returns the seconds since a time as Go writes it; 0 if it is not a time."""
    try:
        at = datetime.fromisoformat(text(record, name))
    except ValueError:
        return 0.0
    return round(max(0.0, now - at.timestamp()), 1)
