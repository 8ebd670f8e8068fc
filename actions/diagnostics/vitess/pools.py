"""Whether the connection pools of a tablet are exhausted, and which sessions hold their connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, Seconds, Unreadable, diagnostic
from actions.diagnostics.mysql.long_queries import LongQuery, long_queries
from actions.diagnostics.mysql.long_transactions import Transaction, long_transactions
from actions.protobuf_json import decimal, integer, records, text
from actions.statement_redaction import normalise
from actions.vitess_contract import Component, ComponentAnswer, Vitess

POOLS = {
    "transaction": "vttablet_transaction_pool",
    "read": "vttablet_conn_pool",
    "transaction_read": "vttablet_tx_read_pool",
    "stream": "vttablet_stream_conn_pool",
    "found_rows": "vttablet_found_rows_pool",
}
"""The pools by what they serve, with the names of their metrics."""
COUNTED = ("capacity", "available", "in_use", "wait_count", "waiter_cap_rejected")
ERRORS, KILLS, TIMEOUT = "vttablet_errors", "vttablet_kills", "vttablet_transaction_timeout"
RUNNING = 20
"""Queries that are kept, the longest first."""


@dataclass(frozen=True, slots=True)
class ConnectionPool:
    """One pool of connections to the tablet's MySQL server."""

    name: str
    """`transaction` also serves autocommit writes; `read` serves statements outside of transactions."""
    capacity: Count = 0
    """The size of the pool; 0 while the tablet does not serve."""
    in_use: Count = 0
    """Connections in use."""
    available: Count = 0
    """Connections that are free."""
    waits: Count = 0
    """Requests that had to wait for a connection between the two samples."""
    waits_before: Count = 0
    """The same, from the start of the vttablet until the first sample."""
    rejected: Count = 0
    """Requests rejected between the two samples because too many were waiting."""

    @property
    def full(self) -> bool:
        """Whether no connection is free."""
        return self.capacity > 0 and self.available == 0


@dataclass(frozen=True, slots=True)
class LiveQuery:
    """A query that the vttablet is running."""

    thread_id: int
    """The session in MySQL, as KILL takes it."""
    running_for: Seconds
    """Time since it began."""
    statement: str
    """The query, with literals as `?`."""
    kind: str = ""
    """`oltp`, `olap` or `stateful`, as the vttablet names its list."""


@dataclass(frozen=True, slots=True)
class Pools:
    """The pools of one tablet, as counted between two samples."""

    tablet: str = ""
    """The alias of the tablet."""
    over: Seconds = 0.0
    """Time between the two samples."""
    pools: tuple[ConnectionPool, ...] = ()
    """Its pools; empty if the metrics could not be read."""
    transaction_timeout: Seconds = 0.0
    """Age at which the vttablet rolls back a transaction; 0 means never."""
    exhausted: Count = 0
    """Requests that failed with RESOURCE_EXHAUSTED between the two samples."""
    exhausted_before: Count = 0
    """The same, from the start of the vttablet until the first sample."""
    killed: Count = 0
    """Transactions that the vttablet rolled back for their timeout between the two samples."""
    killed_before: Count = 0
    """The same, from the start of the vttablet until the first sample."""
    running: tuple[LiveQuery, ...] = ()
    """Queries that the vttablet is running, the longest first."""
    transactions: tuple[Transaction, ...] = ()
    """Open transactions of the tablet's MySQL server, the oldest first."""
    queries: tuple[LongQuery, ...] = ()
    """Statements that the tablet's MySQL server has run for more than a second, the oldest first."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    @property
    def full(self) -> tuple[str, ...]:
        """The names of the pools without a free connection."""
        return tuple(pool.name for pool in self.pools if pool.full)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The names of the pools for which requests had to wait between the two samples."""
        return tuple(pool.name for pool in self.pools if pool.waits)

    @property
    def serving(self) -> bool:
        """Whether any pool has connections; a tablet that does not serve has none."""
        return any(pool.capacity for pool in self.pools)

    @property
    def stoppable(self) -> tuple[LongQuery, ...]:
        """Statements that may be killed."""
        return tuple(query for query in self.queries if not query.protected)

    @property
    def endable(self) -> tuple[Transaction, ...]:
        """Transactions of idle sessions that may be ended."""
        return tuple(one for one in self.transactions if not one.protected and one.command == "Sleep")


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.VITESS: ("vttablet /metrics", "vttablet /livequeryz/"),
        Flavour.MYSQL: ("PROCESS", "SELECT ON performance_schema.*"),
    },
)
def pools(vt: Vitess, *, tablet: str = "", over: Seconds = 1.0, older_than: Seconds = 1.0) -> Pools:
    """Samples the pools of the target, or of `tablet`, twice, and reads which sessions hold connections.

    `over` is the time between the samples; `older_than` is the minimum age of the transactions and statements of the
    tablet's MySQL server. Clients of an exhausted read pool wait; those of an exhausted transaction pool get an error
    after a second.
    """
    alias = tablet or vt.tablet
    missing: list[str] = []
    before = _metrics(vt, alias)
    if before.ok:
        vt.pause(over)
    after = _metrics(vt, alias) if before.ok else before
    if not after.ok:
        missing.append(f"The metrics of vttablet {alias} could not be read: {after.error}")
    first, last = _counts(before), _counts(after)
    running = _running(vt, alias, missing)
    transactions, queries = _mysql_sessions(vt, alias, older_than, missing)
    if len(missing) == 3:
        raise Unreadable(" ".join(missing))
    return Pools(
        tablet=alias,
        over=over if after.ok else 0.0,
        pools=tuple(_pool(name, metric, first, last) for name, metric in POOLS.items() if f"{metric}_capacity" in last),
        transaction_timeout=last.get(TIMEOUT, 0.0),
        exhausted=_grown(first, last, "RESOURCE_EXHAUSTED"),
        exhausted_before=int(first.get("RESOURCE_EXHAUSTED", 0)),
        killed=_grown(first, last, "Transactions"),
        killed_before=int(first.get("Transactions", 0)),
        running=running,
        transactions=transactions,
        queries=queries,
        missing=tuple(missing),
    )


def _metrics(vt: Vitess, alias: str) -> ComponentAnswer:
    names = [f"{pool}_{what}" for pool in POOLS.values() for what in COUNTED]
    found = vt.metrics(Component.VTTABLET, *names, ERRORS, KILLS, TIMEOUT, tablet=alias)
    return found[0] if found else ComponentAnswer(alias, error="the topology has no such tablet")


def _counts(answer: ComponentAnswer) -> dict[str, float]:
    """Returns values by the name of the metric: errors by their code, and kills by what was killed."""
    found: dict[str, float] = {}
    for series in answer.body or ():
        name = series.labels["__name__"]
        key = series.labels.get({ERRORS: "error_code", KILLS: "query_type"}.get(name, ""), name)
        found[key] = found.get(key, 0.0) + series.samples[-1].value
    return found


def _grown(first: Mapping[str, float], last: Mapping[str, float], name: str) -> int:
    return int(max(0.0, last.get(name, 0.0) - first.get(name, 0.0)))


def _pool(name: str, metric: str, first: Mapping[str, float], last: Mapping[str, float]) -> ConnectionPool:
    return ConnectionPool(
        name=name,
        capacity=int(last.get(f"{metric}_capacity", 0)),
        in_use=int(last.get(f"{metric}_in_use", 0)),
        available=int(last.get(f"{metric}_available", 0)),
        waits=_grown(first, last, f"{metric}_wait_count"),
        waits_before=int(first.get(f"{metric}_wait_count", 0)),
        rejected=_grown(first, last, f"{metric}_waiter_cap_rejected"),
    )


def _running(vt: Vitess, alias: str, missing: list[str]) -> tuple[LiveQuery, ...]:
    answers = vt.web(Component.VTTABLET, "/livequeryz/?format=json", tablet=alias)
    if not answers or not answers[0].ok:
        missing.append(
            f"/livequeryz of vttablet {alias} could not be read: "
            f"{answers[0].error if answers else 'the topology has no such tablet'}"
        )
        return ()
    found = [
        LiveQuery(
            thread_id=integer(row, "ConnID"),
            running_for=round(decimal(row, "Duration") / 1e9, 3),
            statement=normalise(text(row, "Query")),
            kind=text(row, "Type"),
        )
        for row in records({"rows": answers[0].body}, "rows")
    ]
    return tuple(sorted(found, key=lambda one: -one.running_for)[:RUNNING])


def _mysql_sessions(
    vt: Vitess, alias: str, older_than: Seconds, missing: list[str]
) -> tuple[tuple[Transaction, ...], tuple[LongQuery, ...]]:
    try:
        db = vt.mysql_of(alias)
        open_, busy = long_transactions(db, older_than=older_than), long_queries(db, older_than=older_than)
    except Unreadable as error:
        missing.append(f"The transactions of the MySQL server of {alias} could not be read: {error}")
        return (), ()
    return open_.transactions, busy.queries
