"""The state of the target tablet: its vttablet, its MySQL server, and how vtgate sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from actions.contract import Cost, Count, Flavour, Moment, Seconds, diagnostic
from actions.scraped_metrics import value, values
from actions.vitess_contract import Component, Vitess
from actions.vitess_tablet_health import DETAILS, TabletHealth, list_tablets, tablet_healths


@dataclass(frozen=True, slots=True)
class ErrorsOfCode:
    """The errors with one code since vttablet started."""

    code: str = ""
    count: Count = 0


@dataclass(frozen=True, slots=True)
class TabletStatus(TabletHealth):
    """The target tablet, with the counters of its vttablet since it started."""

    known: bool = True
    """False if the topology has no such tablet."""
    keyspace: str = ""
    shard: str = ""
    is_primary: bool = False
    """Whether its type in the topology is PRIMARY."""
    vitess_version: str = ""
    started_at: Moment | None = None
    """When vttablet started, in Unix seconds."""
    uptime: Seconds | None = None
    """Time since vttablet started; empty if unknown."""
    server_state: str = ""
    """SERVING or NOT_SERVING by vttablet's own metric, which is what vtgates are told."""
    killed_queries: Count = 0
    """Queries that vttablet has killed since it started."""
    killed_transactions: Count = 0
    """Transactions that vttablet has killed since it started."""
    killed_connections: Count = 0
    """Connections that vttablet has killed since it started."""
    errors: Count = 0
    """Query errors of all codes since vttablet started."""
    errors_by_code: tuple[ErrorsOfCode, ...] = ()
    """Query errors by code, the most frequent first; 20 codes at most."""
    internal_errors: Count = 0
    """Internal errors of vttablet since it started."""
    checking_mysql: bool = False
    """Whether vttablet is checking that MySQL is running, which it does after errors."""
    missing: tuple[str, ...] = ()
    """What could not be read, one sentence each."""


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
    """Reads the target tablet: whether its vttablet and mysqld run, whether it serves, and its counters.

    The MySQL server is read directly as well, to distinguish a dead vttablet from a dead mysqld. If the topology is
    unavailable, vtgate's list of tablets is used.
    """
    missing: list[str] = []
    listing = list_tablets(vt, missing)
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
    health = tablet_healths(vt, replace(listing, tablets=mine))[0]
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
    """Returns the version that the vttablet reports; GetVersion returns the host and revision of its build instead."""
    answer = vt.web(Component.VTTABLET, VARS, tablet=vt.tablet)[0]
    if not answer.ok or not isinstance(answer.body, Mapping):
        missing.append(f"The version of {vt.tablet} could not be read: {answer.error or 'the page is not JSON'}")
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
