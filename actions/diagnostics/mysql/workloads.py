"""Which workloads take the server's time now, where Slack's workload instrumentation for MySQL is installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from actions.contract import Cost, Count, Flavour, MySQL, Percent, Row, Seconds, diagnostic
from actions.ratios import percent
from actions.workload_names import plain_name

MOST_READ = 1000
"""Workloads of one sample: those with the most time since the server started."""
MOST = 5
UNSPECIFIED = "__UNSPECIFIED__"
"""The workload of statements that name none."""
COLUMNS = """
SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = 'performance_schema' AND TABLE_NAME = 'workload_instrumentation'
"""
SAMPLE = """
SELECT {name} AS workload, {queries} AS queries, {time} AS time, SUM_ROWS_EXAMINED AS examined,
       SUM_ROWS_AFFECTED AS affected
  FROM performance_schema.workload_instrumentation ORDER BY {time} DESC LIMIT {most}
"""


@dataclass(frozen=True, slots=True)
class WorkloadUse:
    """What one workload took between the two samples."""

    workload: str
    """Its name; `unspecified` for all statements that name none."""
    queries: Count
    """Statements that ended."""
    time: Seconds
    """Their time."""
    share: Percent
    """Share of the time of all workloads."""
    rows_examined: Count
    rows_affected: Count


@dataclass(frozen=True, slots=True)
class Workloads:
    """The workloads that took the most time, the most expensive first."""

    EXACT: ClassVar[tuple[str, ...]] = ("installed", "over")

    installed: bool = False
    """Whether performance_schema.workload_instrumentation exists."""
    over: Seconds = 0.0
    """Time between the two samples."""
    time: Seconds = 0.0
    """Time of all statements that ended between the two samples."""
    workloads: tuple[WorkloadUse, ...] = ()
    """The workloads; 5 at most."""
    complete: bool = True
    """False if the table has more than 1,000 workloads; those with the most time ever were compared."""


@diagnostic(
    cost=Cost.MEDIUM,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def workloads(db: MySQL, *, over: Seconds = 1.0) -> Workloads:
    """Samples performance_schema.workload_instrumentation twice and subtracts; reads one view where it does not exist.

    `over` is the time between the samples. The plugin (MySQL 8.0) and the component (8.4 and later) name their columns
    differently (github.com/slackhq/workload-instrumentation-component-for-mysql, README).
    """
    columns = {str(row["name"]).upper() for row in db.rows(COLUMNS)}
    if {"WORKLOAD_NAME", "COUNT_STAR", "SUM_TIMER_WAIT"} <= columns:
        sql = SAMPLE.format(name="WORKLOAD_NAME", queries="COUNT_STAR", time="SUM_TIMER_WAIT", most=MOST_READ)
        unit = 1e12
    elif {"WORKLOAD", "COUNT_QUERIES", "SUM_DURATION_US"} <= columns:
        sql = SAMPLE.format(name="WORKLOAD", queries="COUNT_QUERIES", time="SUM_DURATION_US", most=MOST_READ)
        unit = 1e6
    else:
        return Workloads()
    before = {str(row["workload"]): row for row in db.rows(sql, limit=MOST_READ)}
    db.pause(over)
    after = db.rows(sql, limit=MOST_READ)
    whole = len(before) < MOST_READ
    # A workload that only the second sample has is new, unless the first one was cut.
    pairs = [(row, before.get(str(row["workload"]), {})) for row in after if whole or str(row["workload"]) in before]
    total = sum(_grown(row, old, "time") for row, old in pairs)
    ordered = sorted(pairs, key=lambda pair: -_grown(pair[0], pair[1], "time"))[:MOST]
    return Workloads(
        installed=True,
        over=over,
        time=round(total / unit, 3),
        workloads=tuple(_use(row, old, total, unit) for row, old in ordered if _grown(row, old, "queries")),
        complete=whole and len(after) < MOST_READ,
    )


def _use(row: Row, old: Mapping[str, object], total: float, unit: float) -> WorkloadUse:
    name = str(row["workload"])
    return WorkloadUse(
        workload="unspecified" if name == UNSPECIFIED else plain_name(name),
        queries=_grown(row, old, "queries"),
        time=round(_grown(row, old, "time") / unit, 3),
        share=percent(_grown(row, old, "time"), total),
        rows_examined=_grown(row, old, "examined"),
        rows_affected=_grown(row, old, "affected"),
    )


def _grown(row: Row, old: Mapping[str, object], name: str) -> int:
    return max(0, int(row[name]) - int(str(old.get(name, 0))))
