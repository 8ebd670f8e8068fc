"""The calls that Firstmate may make to Vitess: a reader only reads, and a changer makes only the calls of actions."""

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
"""RPCs of vtctld that actions make."""
CHANGING_VTORC = frozenset({"/api/disable-global-recoveries", "/api/enable-global-recoveries"})
"""Paths of VTOrc's API that change it, although they are requested with GET."""
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
"""Pages that only read and that end; pages that stream (/debug/querylog, /debug/vrlog, /txlogz) are excluded."""
_SHOW = re.compile(r"\s*SHOW\s+(VITESS_|UNRESOLVED\s+TRANSACTIONS|GLOBAL\s+|VSCHEMA\s|KEYSPACES)", re.IGNORECASE)


def check_rpc(name: str) -> None:
    """Raises Unreadable for an RPC that a reader may not call."""
    if name not in READING:
        raise Unreadable(f"A reader may not call {name}, which is not on the list of reading RPCs of vtctld.")


def check_change(name: str) -> None:
    """Raises NotAllowed for an RPC that no action makes."""
    if name not in CHANGING:
        raise NotAllowed(f"A change may not call {name}, which is not on the list of RPCs that actions make.")


def check_page(component: Component, path: str) -> None:
    """Raises Unreadable for a page that a reader may not open.

    /twopcz is allowed only with a format: with `Action` and `dtid` it concludes a transaction, even with GET (Vitess,
    twopczHandler).
    """
    page, _, query = path.partition("?")
    if page not in PAGES[component] or (page == "/twopcz" and query not in ("", "format=json")):
        raise Unreadable(
            f"A reader may not open {path} of {component.value}, which is not on the list of reading pages."
        )


def check_show(sql: str) -> None:
    """Raises Unreadable for a statement that a reader may not send to vtgate."""
    if ";" in sql or not _SHOW.match(sql):
        raise Unreadable(f"A reader may send only SHOW VITESS_* to vtgate, not {' '.join(sql.split())[:60]!r}.")
