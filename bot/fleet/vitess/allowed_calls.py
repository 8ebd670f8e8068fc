"""What may be asked of Vitess: by a reader what reads, by a changer the calls that actions make."""

from __future__ import annotations

import re

from actions.contract import Unreadable
from actions.vitess_contract import Component
from bot.errors import NotAllowed

READING = frozenset(
    {
        "CheckThrottler",
        "FindAllShardsInKeyspace",
        "GetBackups",
        "GetCellInfo",
        "GetCellInfoNames",
        "GetFullStatus",
        "GetKeyspace",
        "GetKeyspaces",
        "GetPermissions",
        "GetRoutingRules",
        "GetSchema",
        "GetSchemaMigrations",
        "GetShard",
        "GetShardReplication",
        "GetShardRoutingRules",
        "GetSrvKeyspaces",
        "GetSrvVSchema",
        "GetTablet",
        "GetTablets",
        "GetThrottlerStatus",
        "GetTopologyPath",
        "GetTransactionInfo",
        "GetUnresolvedTransactions",
        "GetVSchema",
        "GetVersion",
        "GetWorkflows",
        "PingTablet",
        "ShardReplicationPositions",
        "ValidateSchemaKeyspace",
        "WorkflowStatus",
    }
)
"""RPCs of vtctld (vtctlservice.proto) that change nothing."""
CHANGING = frozenset(
    {
        "CancelSchemaMigration",
        "ChangeTabletType",
        "CleanupSchemaMigration",
        "CompleteSchemaMigration",
        "ConcludeTransaction",
        "EmergencyReparentShard",
        "ForceCutOverSchemaMigration",
        "PlannedReparentShard",
        "RebuildKeyspaceGraph",
        "RefreshState",
        "RefreshStateByShard",
        "ReloadSchemaShard",
        "RetrySchemaMigration",
        "SetShardIsPrimaryServing",
        "SetShardTabletControl",
        "SetVtorcEmergencyReparent",
        "SetWritable",
        "StartReplication",
        "StopReplication",
        "UpdateThrottlerConfig",
        "WorkflowUpdate",
    }
)
CHANGING_VTORC = frozenset({"/api/disable-global-recoveries", "/api/enable-global-recoveries"})
"""Paths of VTOrc's API that change it; it takes them by GET."""
PAGES = {
    Component.VTORC: frozenset(
        {
            "/api/config",
            "/api/database-state",
            "/api/detection-analysis",
            "/api/errant-gtids",
            "/api/problems",
            "/debug/health",
            "/debug/vars",
            "/metrics",
        }
    ),
    Component.VTGATE: frozenset({"/debug/gateway", "/debug/health", "/debug/query_plans", "/debug/vars", "/metrics"}),
    Component.VTTABLET: frozenset(
        {
            "/debug/consolidations",
            "/debug/env",
            "/debug/health",
            "/debug/query_plans",
            "/debug/query_rules",
            "/debug/query_stats",
            "/debug/schema",
            "/debug/status_details",
            "/debug/vars",
            "/livequeryz/",
            "/metrics",
            "/twopcz",
        }
    ),
}
"""Pages that read, and end: those that stream (/debug/querylog, /debug/vrlog, /txlogz) are none of them."""
_SHOW = re.compile(r"\s*SHOW\s+(VITESS_|UNRESOLVED\s+TRANSACTIONS|GLOBAL\s+|VSCHEMA\s|KEYSPACES)", re.IGNORECASE)


def check_rpc(name: str) -> None:
    """Raises Unreadable for an RPC that a reader does not call."""
    if name not in READING:
        raise Unreadable(f"A reader does not call {name}: it is none of vtctld's RPCs that only read.")


def check_change(name: str) -> None:
    """Raises NotAllowed for an RPC that no action of ours makes."""
    if name not in CHANGING:
        raise NotAllowed(f"A change does not call {name}: it is none of the RPCs that actions make.")


def check_page(component: Component, path: str) -> None:
    """Raises Unreadable for a page that a reader does not open.

    /twopcz takes no query but its format: with `Action` and `dtid` it concludes a transaction, by GET as well (Vitess,
    twopczHandler).
    """
    page, _, query = path.partition("?")
    if page not in PAGES[component] or (page == "/twopcz" and query not in ("", "format=json")):
        raise Unreadable(f"A reader does not open {path} of {component.value}: it is none of the pages that only read.")


def check_show(sql: str) -> None:
    """Raises Unreadable for what vtgate is not asked by a reader."""
    if ";" in sql or not _SHOW.match(sql):
        raise Unreadable(f"A reader asks vtgate for SHOW VITESS_* alone, not {' '.join(sql.split())[:60]!r}.")
