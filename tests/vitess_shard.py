"""A recorded shard of Vitess in health, as a real cluster answered (24.0.0), shortened; tests break parts of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from actions.contract import Refused, Row, Statement, Unreadable
from actions.contract import Remediation as Action
from actions.vitess_contract import Tablet
from tests.recorded_vitess import THREE, RecordedVitess, series, server

PRIMARY, REPLICA, OTHER = "zone1-0000000100", "zone1-0000000101", "zone1-0000000102"
SOURCE = "136b3de2-e93a-11f1-b1bd-02fc00000001"
STRANGE = "135a9bd2-e93a-11f1-8d45-02fc00000001"
GONE = Unreadable("vtctld at 127.0.0.1:15999 did not answer GetFullStatus within 2 s.")
NO_MYSQL = Unreadable("net.Dial(/vt/mysql.sock) to local server failed: connection refused (errno 2002)")
UNKNOWN = Unreadable("vtctld did not answer within 2 s.")
POOL_CLOSED = Unreadable("answered 500: Could not read redo: Code: INTERNAL connection pool is closed")
"""What /twopcz of a replica says."""


def primary_status(**changed: Any) -> dict[str, Any]:
    """GetFullStatus of the primary."""
    status = {"primary_status": {"position": f"MySQL56/{SOURCE}:1-308"}, "tablet_type": "PRIMARY"}
    return {"status": {**status, "semi_sync_primary_clients": 2, **changed}}


def replica_status(*, executed: str = f"MySQL56/{SOURCE}:1-308", tablet_type: str = "REPLICA", **says: Any) -> Any:
    """GetFullStatus of a replica; `says` goes into its replication_status."""
    replication = {"position": executed, "source_port": 17100, "io_state": 3, "sql_state": 3, **says}
    return {
        "status": {
            "replication_status": replication,
            "primary_status": {"position": executed},
            "read_only": True,
            "super_read_only": True,
            "tablet_type": tablet_type,
        }
    }


STOPPED: dict[str, Any] = {"io_state": 1, "sql_state": 1, "replication_lag_unknown": True}


def record(primary: str = PRIMARY, **changed: Any) -> dict[str, Any]:
    """GetShard."""
    alias = {"cell": primary.rpartition("-")[0], "uid": int(primary.rpartition("-")[2])}
    return {"shard": {"shard": {"primary_alias": alias, "is_primary_serving": True, **changed}}}


def keyspace(**changed: Any) -> dict[str, Any]:
    """GetKeyspace."""
    return {"keyspace": {"keyspace": {"durability_policy": "semi_sync", "sidecar_db_name": "_vt", **changed}}}


def workflow(kind: str = "MoveTables", message: str = "", source: str = "customer") -> dict[str, Any]:
    """GetWorkflows with one workflow into commerce."""
    streams = {"-80/zone1-0000000100": {"streams": [{"id": "1", "state": "Running", "message": message}]}}
    return {
        "workflows": [
            {
                "name": "move",
                "workflow_type": kind,
                "source": {"keyspace": source},
                "target": {"keyspace": "commerce"},
                "shard_streams": streams,
            }
        ]
    }


def vtgate_sees(**types: str) -> list[Row]:
    """SHOW VITESS_TABLETS with one tablet of another shard; a tablet that is left out is SERVING as it is in THREE."""
    seen = {each.alias: f"{each.type} SERVING" for each in THREE} | {
        f"zone1-0000000{uid[1:]}": t for uid, t in types.items()
    }
    rows = [
        {
            "Keyspace": "commerce",
            "Shard": "-80",
            "Alias": alias,
            "TabletType": said.split()[0],
            "State": said.split()[1],
        }
        for alias, said in seen.items()
    ]
    other = {"Keyspace": "commerce", "Shard": "80-", "Alias": "zone1-0000000104", "TabletType": "PRIMARY"}
    return [*rows, {**other, "State": "SERVING"}]


def vtorc(*, healthy: bool = True, disabled: bool = False) -> dict[str, Any]:
    """The pages of one VTOrc."""
    if not healthy:
        return {}
    reported = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    rows = [{"disable_recovery": "1"}] if disabled else []
    return {
        "vtorc /debug/health": {"Healthy": True, "LastReported": reported},
        "vtorc /api/database-state": [[{"TableName": "global_recovery_disable", "Rows": rows}]],
        "vtorc /api/config": {"allow-recovery": True, "allow-emergency-reparent": True},
        "vtorc /api/detection-analysis": [[]],
        "vtorc /api/problems": [None],
        "metrics vtorc": [[series(3, __name__="vtorc_tablets_watched_by_shard", keyspace="commerce", shard="-80")]],
    }


def shard(
    calls: Mapping[str, Any] | None = None,
    pages: Mapping[str, Any] | None = None,
    *,
    tablet: str = PRIMARY,
    tablets: Sequence[Tablet] = THREE,
    orc: Mapping[str, Any] | None = None,
    shows: Sequence[Row] | None = None,
    under: Mapping[str, Any] | None = None,
) -> RecordedVitess:
    """The shard -80 of commerce in health, but for what is given."""
    nothing = {"Distributed": None, "Prepared": None, "Failed": None}
    empty = server({"redo_state": [{"prepared": 0, "distributed": 0}]})
    return RecordedVitess(
        {
            "GetShard": record(),
            "GetKeyspace": keyspace(),
            "GetKeyspaces": {"keyspaces": [{"name": "commerce"}, {"name": "customer"}]},
            "GetWorkflows": {},
            "GetSchemaMigrations": {},
            f"GetFullStatus {PRIMARY}": primary_status(),
            f"GetFullStatus {REPLICA}": replica_status(),
            f"GetFullStatus {OTHER}": replica_status(),
            "PingTablet": {},
            **(calls or {}),
        },
        {
            f"vttablet {PRIMARY} /twopcz?format=json": nothing,
            f"vttablet {REPLICA} /twopcz?format=json": POOL_CLOSED,
            f"vttablet {OTHER} /twopcz?format=json": POOL_CLOSED,
            **(vtorc() if orc is None else orc),
            **(pages or {}),
        },
        shows={"VITESS_TABLETS": vtgate_sees() if shows is None else shows},
        tablets=tablets,
        tablet=tablet,
        under={REPLICA: empty, OTHER: empty, **(under or {})},
    )


def refusal(action: Action, vt: RecordedVitess) -> str:
    """The sentence with which a change is refused; fails where it is not."""
    try:
        action.check(vt)
    except Refused as refused:
        return str(refused)
    raise AssertionError("it was not refused")


def made(statements: Any) -> list[str]:
    """The statements of a change or an undo, as text."""
    return [str(each) for each in statements if isinstance(each, Statement)]
