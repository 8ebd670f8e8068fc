"""Which shapes of queries take the time of a vtgate and of a tablet now, and how many of them go to every shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from actions.contract import Cost, Count, Flavour, Percent, Seconds, Unreadable, diagnostic
from actions.protobuf_json import Record, decimal, each, inner, text, whole
from actions.redaction import normalise
from actions.vitess_contract import Answer, Component, Vitess

SHAPES = 5
SCATTER = "Scatter"
PLANS = "/debug/query_plans"
STATS = "/debug/query_stats"


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape at the vtgates, as it was between the two looks."""

    statement: str
    """Literals as `?`."""
    routes: tuple[str, ...] = ()
    """How it is sent on, such as EqualUnique or Scatter, in the words of Vitess."""
    calls: Count = 0
    time: Seconds = 0.0
    share: Percent = 0.0
    """Of the time of all shapes."""
    shard_queries: Count = 0
    """Queries that were sent to shards for it."""
    rows_returned: Count = 0
    errors: Count = 0

    @property
    def scatters(self) -> bool:
        """Whether it goes to every shard."""
        return SCATTER in self.routes


@dataclass(frozen=True, slots=True)
class TabletShape:
    """One shape at a tablet, as it was between the two looks."""

    statement: str
    table: str = ""
    plan: str = ""
    calls: Count = 0
    time: Seconds = 0.0
    """With the wait for a connection."""
    mysql_time: Seconds = 0.0
    share: Percent = 0.0
    rows_returned: Count = 0
    rows_affected: Count = 0
    errors: Count = 0

    @property
    def waits(self) -> bool:
        """Whether it spends more time in the vttablet, as for a connection of its pool, than in MySQL."""
        return self.time > 2 * self.mysql_time > 0


@dataclass(frozen=True, slots=True)
class QueryShapes:
    """The shapes that took the most time between two looks, the first the most."""

    over: Seconds = 0.0
    calls: Count = 0
    """Of all shapes, at all vtgates."""
    scatter_calls: Count = 0
    scatter_share: Percent = 0.0
    """Of all calls, those that go to every shard."""
    scatter_time_share: Percent = 0.0
    shapes: tuple[Shape, ...] = ()
    scatters: tuple[Shape, ...] = ()
    """Those that go to every shard, the most time first."""
    tablet: str = ""
    tablet_calls: Count = 0
    tablet_shapes: tuple[TabletShape, ...] = ()
    missing: tuple[str, ...] = ()


@diagnostic(cost=Cost.MEDIUM, needs={Flavour.VITESS: (f"vtgate {PLANS}", f"vttablet {STATS}")})
def query_shapes(vt: Vitess, *, tablet: str = "", over: Seconds = 1.0) -> QueryShapes:
    """Reads the plans of each vtgate and the queries of the target, or of the tablet that is named, twice.

    A plan counts only while it is in the cache; one that left it meanwhile is not seen. A query counts when it ends.
    """
    alias = tablet or vt.tablet
    gates, tablets = vt.web(Component.VTGATE, PLANS), vt.web(Component.VTTABLET, STATS, tablet=alias)
    if not any(_read(one) for one in (*gates, *tablets)):
        raise Unreadable(" ".join(_missing((*gates, *tablets))) or "No vtgate is known, and no such vttablet.")
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
        scatter_share=_share(sum(shape.calls for shape in scatters), calls),
        scatter_time_share=_share(sum(shape.time for shape in scatters), total),
        shapes=tuple(shapes[:SHAPES]),
        scatters=tuple(scatters[:SHAPES]),
        tablet=alias,
        tablet_calls=sum(shape.calls for shape in of_tablet),
        tablet_shapes=tuple(of_tablet[:SHAPES]),
        missing=_missing((*gates_after, *tablets_after)),
    )


def _read(answer: Answer) -> bool:
    """Whether it is what the page should be; an unknown path is answered with a page for people."""
    return answer.ok and (answer.body is None or isinstance(answer.body, dict | list))


def _missing(answers: tuple[Answer, ...]) -> tuple[str, ...]:
    return tuple(
        f"The queries of {one.who} could not be read: {one.error or 'its answer is no JSON'}"
        for one in answers
        if not _read(one)
    )


def _shapes(before: tuple[Answer, ...], after: tuple[Answer, ...]) -> list[Shape]:
    """Shapes of all vtgates together, the most time first."""
    first = {one.who: one.body for one in before if _read(one) and isinstance(one.body, dict)}
    grown: dict[str, dict[str, Any]] = {}
    for answer in after:
        if answer.who not in first or not isinstance(answer.body, dict):
            continue
        for original, plan in answer.body.items():
            if not isinstance(plan, dict):
                continue
            old = first[answer.who].get(original) or {}
            calls = max(0, whole(plan, "ExecCount") - whole(old, "ExecCount"))
            if calls:
                sums = grown.setdefault(original, {"plan": plan})
                for name in ("ExecCount", "ExecTime", "ShardQueries", "RowsReturned", "Errors"):
                    sums[name] = sums.get(name, 0) + max(0, whole(plan, name) - whole(old, name))
    total = sum(sums["ExecTime"] for sums in grown.values())
    found = [
        Shape(
            statement=normalise(original),
            routes=tuple(sorted(set(_routes(inner(sums["plan"], "Instructions"))))),
            calls=sums["ExecCount"],
            time=round(sums["ExecTime"] / 1e9, 4),
            share=_share(sums["ExecTime"], total),
            shard_queries=sums["ShardQueries"],
            rows_returned=sums["RowsReturned"],
            errors=sums["Errors"],
        )
        for original, sums in grown.items()
    ]
    return sorted(found, key=lambda shape: -shape.time)


def _routes(plan: Record, depth: int = 0) -> Iterator[str]:
    """The variants of all routes in a plan."""
    if text(plan, "OperatorType") in ("Route", "Update", "Delete", "Insert") and plan.get("Variant"):
        yield text(plan, "Variant")
    if depth < 20:
        for inputs in each(plan, "Inputs"):
            yield from _routes(inputs, depth + 1)


def _tablet_shapes(before: tuple[Answer, ...], after: tuple[Answer, ...]) -> list[TabletShape]:
    """Shapes of the tablet, the most time first."""
    first = {key: row for one in before for key, row in _rows(one).items()}
    grown = []
    for key, row in ((key, row) for one in after for key, row in _rows(one).items()):
        old = first.get(key, {})
        if whole(row, "QueryCount") > whole(old, "QueryCount"):
            grown.append((row, old))
    total = sum(decimal(row, "Time") - decimal(old, "Time") for row, old in grown)
    found = [
        TabletShape(
            statement=normalise(text(row, "Query")),
            table=text(row, "Table"),
            plan=text(row, "Plan"),
            calls=whole(row, "QueryCount") - whole(old, "QueryCount"),
            time=round((decimal(row, "Time") - decimal(old, "Time")) / 1e9, 4),
            mysql_time=round((decimal(row, "MysqlTime") - decimal(old, "MysqlTime")) / 1e9, 4),
            share=_share(decimal(row, "Time") - decimal(old, "Time"), total),
            rows_returned=whole(row, "RowsReturned") - whole(old, "RowsReturned"),
            rows_affected=whole(row, "RowsAffected") - whole(old, "RowsAffected"),
            errors=whole(row, "ErrorCount") - whole(old, "ErrorCount"),
        )
        for row, old in grown
    ]
    return sorted(found, key=lambda shape: -shape.time)


def _rows(answer: Answer) -> Mapping[tuple[str, str], Record]:
    if not answer.ok:
        return {}
    return {(text(row, "Query"), text(row, "Plan")): row for row in each({"rows": answer.body}, "rows")}


def _share(part: float, total: float) -> float:
    return round(100.0 * part / total, 1) if total else 0.0
