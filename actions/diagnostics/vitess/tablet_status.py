"""How the tablet that is the target stands: its vttablet, the MySQL beneath it, and what vtgate makes of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from actions.contract import Cost, Count, Flavour, Moment, Seconds, diagnostic
from actions.diagnostics.vitess.tablet_health import DETAILS, TabletHealth, healths, listed
from actions.metrics_page import value, values
from actions.vitess_contract import Component, Vitess


@dataclass(frozen=True, slots=True)
class ErrorsOfCode:
    """The errors of one code since vttablet started."""

    code: str = ""
    count: Count = 0


@dataclass(frozen=True, slots=True)
class TabletStatus(TabletHealth):
    """The target's own tablet, with what its vttablet has counted since it started."""

    known: bool = True
    """False where the topology has no such tablet any more."""
    keyspace: str = ""
    shard: str = ""
    is_primary: bool = False
    """Whether the topology records it with the type PRIMARY."""
    vitess_version: str = ""
    started_at: Moment | None = None
    """Unix time in seconds at which vttablet started."""
    uptime: Seconds | None = None
    server_state: str = ""
    """SERVING or NOT_SERVING as vttablet counts it; that is what vtgates are told."""
    killed_queries: Count = 0
    """Queries that vttablet has killed since it started; transactions and connections likewise."""
    killed_transactions: Count = 0
    killed_connections: Count = 0
    errors: Count = 0
    """Errors of queries since it started, of all codes."""
    errors_by_code: tuple[ErrorsOfCode, ...] = ()
    internal_errors: Count = 0
    checking_mysql: bool = False
    """Whether vttablet tries to find out right now if its MySQL is there, which it does after errors."""
    missing: tuple[str, ...] = ()
    """What could not be read, a sentence for each."""


VARS = "/debug/vars"
METRICS = (
    "vttablet_tablet_server_state",
    "vttablet_kills",
    "vttablet_errors",
    "vttablet_internal_errors",
    "vttablet_check_my_sql_running",
    "process_start_time_seconds",
)


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.VITESS: (
            "GetTablets",
            "GetFullStatus",
            f"vttablet {DETAILS}",
            f"vttablet {VARS}",
            "vttablet /metrics",
            "vtgate SHOW",
        ),
        Flavour.MYSQL: (),
    },
)
def tablet_status(vt: Vitess) -> TabletStatus:
    """Reads the target's own tablet: whether its vttablet and its mysqld live, whether it serves, and its counters.

    A dead vttablet is told from a dead mysqld by asking the MySQL beneath past it. Where the topology is away, vtgate's
    list of tablets stands for it.
    """
    missing: list[str] = []
    listing = listed(vt, missing)
    mine = tuple(each for each in listing.tablets if each.alias == vt.tablet)
    if not mine:
        return TabletStatus(
            alias=vt.tablet,
            known=False,
            keyspace=vt.keyspace,
            shard=vt.shard,
            seen="unknown" if listing.seen is None else "absent",
            missing=tuple(missing),
        )
    health = healths(vt, replace(listing, tablets=mine))[0]
    counted = {} if health.vttablet != "answers" else _counted(vt, missing)
    told = {field.name: getattr(health, field.name) for field in fields(TabletHealth)}
    return TabletStatus(
        **told,
        keyspace=vt.keyspace,
        shard=vt.shard,
        is_primary=health.type == "PRIMARY",
        vitess_version=_version(vt, missing) if counted else "",
        **counted,
        missing=tuple(missing),
    )


def _version(vt: Vitess, missing: list[str]) -> str:
    """The version that the vttablet says it is of; GetVersion gives its build's host and revision, and not that."""
    answer = vt.web(Component.VTTABLET, VARS, tablet=vt.tablet)[0]
    if not answer.ok or not isinstance(answer.body, Mapping):
        missing.append(f"The version of {vt.tablet} could not be read: {answer.error or 'no JSON came'}")
        return ""
    return str(answer.body.get("BuildVersion", ""))[:40]


def _counted(vt: Vitess, missing: list[str]) -> dict[str, Any]:
    answer = vt.metrics(Component.VTTABLET, *METRICS, tablet=vt.tablet)[0]
    if not answer.ok:
        missing.append(f"The counters of {vt.tablet} could not be read: {answer.error}")
        return {}
    told = answer.body
    states = values(told, "vttablet_tablet_server_state", by="name")
    codes = values(told, "vttablet_errors", by="error_code")
    kills = values(told, "vttablet_kills", by="query_type")
    started = value(told, "process_start_time_seconds")
    return {
        "server_state": next((name for name, on in states.items() if on), ""),
        "started_at": started,
        "uptime": None if started is None else max(0.0, time.time() - started),
        "killed_queries": int(kills.get("Queries", 0)),
        "killed_transactions": int(kills.get("Transactions", 0)),
        "killed_connections": int(kills.get("Connections", 0) + kills.get("ReservedConnection", 0)),
        "errors": int(sum(codes.values())),
        "errors_by_code": tuple(
            ErrorsOfCode(code, int(count)) for code, count in sorted(codes.items(), key=lambda each: -each[1]) if count
        )[:20],
        "internal_errors": int(sum(values(told, "vttablet_internal_errors", by="type").values())),
        "checking_mysql": bool(value(told, "vttablet_check_my_sql_running")),
    }
