"""Which normalized queries take the most time at the vtgates and at a tablet, and how many go to every shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Percent, Seconds, Unreadable, diagnostic
from actions.protobuf_json import Record, decimal, integer, nested, records, text
from actions.ratios import percent
from actions.statement_redaction import normalise
from actions.vitess_contract import Component, ComponentAnswer, Vitess

SHAPES = 5
"""Queries that are returned for each list."""
SCATTER = "Scatter"
PLANS = "/debug/query_plans"
STATS = "/debug/query_stats"


@dataclass(frozen=True, slots=True)
class VtgateShape:
    """One normalized query at the vtgates, between the two samples."""

    statement: str
    """The query, with literals as `?`."""
    routes: tuple[str, ...] = ()
    """How vtgate routes it, such as EqualUnique or Scatter, in Vitess's terms."""
    calls: Count = 0
    """Executions that ended between the two samples."""
    time: Seconds = 0.0
    """Time spent in all calls together."""
    share: Percent = 0.0
    """Share of the time of all queries."""
    shard_queries: Count = 0
    """Queries that vtgate sent to shards for it."""
    rows_returned: Count = 0
    """Rows returned to clients."""
    errors: Count = 0
    """Calls that failed."""

    @property
    def scatters(self) -> bool:
        """Whether it goes to every shard."""
        return SCATTER in self.routes


@dataclass(frozen=True, slots=True)
class TabletShape:
    """One normalized query at a tablet, between the two samples."""

    statement: str
    """The query, with literals as `?`."""
    table: str = ""
    """The table that it uses."""
    plan: str = ""
    """The type of vttablet's plan, such as Select or Insert."""
    calls: Count = 0
    """Executions that ended between the two samples."""
    time: Seconds = 0.0
    """Time spent in all calls together, including waits for a connection."""
    mysql_time: Seconds = 0.0
    """Time spent in MySQL in all calls together."""
    share: Percent = 0.0
    """Share of the time of all queries of the tablet."""
    rows_returned: Count = 0
    """Rows returned."""
    rows_affected: Count = 0
    """Rows inserted, updated or deleted."""
    errors: Count = 0
    """Calls that failed."""

    @property
    def waits(self) -> bool:
        """Whether it spends more time in the vttablet, for instance waiting for a connection, than in MySQL."""
        return self.time > 2 * self.mysql_time > 0


@dataclass(frozen=True, slots=True)
class QueryShapes:
    """The normalized queries that took the most time between two samples, the most expensive first."""

    over: Seconds = 0.0
    """Time between the two samples."""
    calls: Count = 0
    """Calls of all queries at all vtgates."""
    scatter_calls: Count = 0
    """Calls of queries that go to every shard."""
    scatter_share: Percent = 0.0
    """Share of all calls that go to every shard."""
    scatter_time_share: Percent = 0.0
    """Share of the time of all queries that such calls take."""
    shapes: tuple[VtgateShape, ...] = ()
    """Queries at the vtgates, the most expensive first; 5 at most."""
    scatters: tuple[VtgateShape, ...] = ()
    """Queries that go to every shard, the most expensive first; 5 at most."""
    tablet: str = ""
    """The alias of the tablet that was read."""
    tablet_calls: Count = 0
    """Calls of all queries at the tablet."""
    tablet_shapes: tuple[TabletShape, ...] = ()
    """Queries at the tablet, the most expensive first; 5 at most."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.VITESS: (f"vtgate {PLANS}", f"vttablet {STATS}")})
def query_shapes(vt: Vitess, *, tablet: str = "", over: Seconds = 1.0) -> QueryShapes:
    """Samples the query plans of each vtgate and the queries of the target, or of `tablet`, twice.

    `over` is the time between the samples. A plan that leaves the plan cache in between is not counted, and a query
    counts when it ends.
    """
    alias = tablet or vt.tablet
    gates, tablets = vt.web(Component.VTGATE, PLANS), vt.web(Component.VTTABLET, STATS, tablet=alias)
    if not any(_read(one) for one in (*gates, *tablets)):
        raise Unreadable(
            " ".join(_missing((*gates, *tablets))) or "No vtgate is configured, and the topology has no such tablet."
        )
    vt.pause(over)
    gates_after, tablets_after = vt.web(Component.VTGATE, PLANS), vt.web(Component.VTTABLET, STATS, tablet=alias)
    shapes = _shapes(gates, gates_after)
    calls, total = sum(shape.calls for shape in shapes), sum(shape.time for shape in shapes)
    scatters = [shape for shape in shapes if shape.scatters]
    of_tablet = _tablet_shapes(tablets, tablets_after)
    return QueryShapes(
        over=over,
        calls=calls,
        scatter_calls=sum(shape.calls for shape in scatters),
        scatter_share=percent(sum(shape.calls for shape in scatters), calls),
        scatter_time_share=percent(sum(shape.time for shape in scatters), total),
        shapes=tuple(shapes[:SHAPES]),
        scatters=tuple(scatters[:SHAPES]),
        tablet=alias,
        tablet_calls=sum(shape.calls for shape in of_tablet),
        tablet_shapes=tuple(of_tablet[:SHAPES]),
        missing=_missing((*gates_after, *tablets_after)),
    )


def _read(answer: ComponentAnswer) -> bool:
    """Whether the page has the expected form; an unknown path is answered with a page in HTML."""
    return answer.ok and (answer.body is None or isinstance(answer.body, dict | list))


def _missing(answers: tuple[ComponentAnswer, ...]) -> tuple[str, ...]:
    return tuple(
        f"The queries of {one.who} could not be read: {one.error or 'its answer is not JSON'}"
        for one in answers
        if not _read(one)
    )


def _shapes(before: tuple[ComponentAnswer, ...], after: tuple[ComponentAnswer, ...]) -> list[VtgateShape]:
    """Returns the queries of all vtgates together, the most expensive first."""
    first = {one.who: one.body for one in before if _read(one) and isinstance(one.body, dict)}
    grown: dict[str, dict[str, Any]] = {}
    for answer in after:
        if answer.who not in first or not isinstance(answer.body, dict):
            continue
        for original, plan in answer.body.items():
            if not isinstance(plan, dict):
                continue
            old = first[answer.who].get(original) or {}
            calls = max(0, integer(plan, "ExecCount") - integer(old, "ExecCount"))
            if calls:
                sums = grown.setdefault(original, {"plan": plan})
                for name in ("ExecCount", "ExecTime", "ShardQueries", "RowsReturned", "Errors"):
                    sums[name] = sums.get(name, 0) + max(0, integer(plan, name) - integer(old, name))
    total = sum(sums["ExecTime"] for sums in grown.values())
    found = [
        VtgateShape(
            statement=normalise(original),
            routes=tuple(sorted(set(_routes(nested(sums["plan"], "Instructions"))))),
            calls=sums["ExecCount"],
            time=round(sums["ExecTime"] / 1e9, 4),
            share=percent(sums["ExecTime"], total),
            shard_queries=sums["ShardQueries"],
            rows_returned=sums["RowsReturned"],
            errors=sums["Errors"],
        )
        for original, sums in grown.items()
    ]
    return sorted(found, key=lambda shape: -shape.time)


def _routes(plan: Record, depth: int = 0) -> Iterator[str]:
    """Yields the variants of all routes in a plan."""
    if text(plan, "OperatorType") in ("Route", "Update", "Delete", "Insert") and plan.get("Variant"):
        yield text(plan, "Variant")
    if depth < 20:
        for inputs in records(plan, "Inputs"):
            yield from _routes(inputs, depth + 1)


def _tablet_shapes(before: tuple[ComponentAnswer, ...], after: tuple[ComponentAnswer, ...]) -> list[TabletShape]:
    """Returns the queries of the tablet, the most expensive first."""
    first = {key: row for one in before for key, row in _rows(one).items()}
    grown = []
    for key, row in ((key, row) for one in after for key, row in _rows(one).items()):
        old = first.get(key, {})
        if integer(row, "QueryCount") > integer(old, "QueryCount"):
            grown.append((row, old))
    total = sum(decimal(row, "Time") - decimal(old, "Time") for row, old in grown)
    found = [
        TabletShape(
            statement=normalise(text(row, "Query")),
            table=text(row, "Table"),
            plan=text(row, "Plan"),
            calls=integer(row, "QueryCount") - integer(old, "QueryCount"),
            time=round((decimal(row, "Time") - decimal(old, "Time")) / 1e9, 4),
            mysql_time=round((decimal(row, "MysqlTime") - decimal(old, "MysqlTime")) / 1e9, 4),
            share=percent(decimal(row, "Time") - decimal(old, "Time"), total),
            rows_returned=integer(row, "RowsReturned") - integer(old, "RowsReturned"),
            rows_affected=integer(row, "RowsAffected") - integer(old, "RowsAffected"),
            errors=integer(row, "ErrorCount") - integer(old, "ErrorCount"),
        )
        for row, old in grown
    ]
    return sorted(found, key=lambda shape: -shape.time)


def _rows(answer: ComponentAnswer) -> Mapping[tuple[str, str], Record]:
    if not answer.ok:
        return {}
    return {(text(row, "Query"), text(row, "Plan")): row for row in records({"rows": answer.body}, "rows")}
