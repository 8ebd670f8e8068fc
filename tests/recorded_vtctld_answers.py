"""What vtctld of Vitess 24 answers about the flow of data, shortened; times are counted from now."""

from __future__ import annotations

import time
from typing import Any

from tests.recorded_vitess import THREE, RecordedVitess, server, tablet

UUID = "e060f62d_e93b_11f1_a6b7_e6440307a0a7"
DTID = "commerce:-80:1795657850737"
OTHER = tablet(103, "PRIMARY", "80-", since=1_772_334_000.0)
"""The primary of the other shard."""
ALWAYS = {"name": "always-throttled-app", "ratio": 1.0, "expires_at": {"seconds": "2060697600"}}
HOLDS = {
    "id": 45,
    "user": "vt_app",
    "command": "Sleep",
    "state": "",
    "qid": 0,
    "since": 1_795_657_880,
    "info": "",
    "started": "2026-11-26 01:51:20",
    "modified": 2,
    "trx_state": "RUNNING",
    "ours": 0,
    "host": "localhost:41",
    "lock_type": "SHARED_WRITE",
    "age": 25,
}
"""A session of a client that holds a metadata lock, as MySQL tells of it."""


def ago(seconds: float) -> dict[str, str]:
    """A time that many seconds ago; below 0 it is still to come."""
    return {"seconds": str(int(time.time() - seconds))}


def nanoseconds(seconds: float) -> int:
    """The same in nanoseconds."""
    return int((time.time() - seconds) * 1e9)


def migration(shard: str = "-80", status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    """One schema migration on one shard."""
    return {
        "uuid": UUID,
        "keyspace": "commerce",
        "shard": shard,
        "schema": "vt_commerce",
        "table": "customer",
        "migration_statement": "alter table customer add column note1 varchar(20) default 'ann'",
        "options": "--cut-over-threshold=5s",
        "requested_at": ago(120),
        "started_at": ago(110),
        "status": status,
        "artifacts": "_vt_vrp_e060f62de93b11f1a6b7e6440307a0a7_20261126015124_,",
        "tablet": {"cell": "zone1", "uid": 100},
        "progress": 100.0,
        "ddl_action": "alter",
        "rows_copied": "98",
        "table_rows": "98",
        **more,
    }


def held_up(shard: str = "-80", **more: Any) -> dict[str, Any]:
    """A migration that tried to cut over, and did not get the lock."""
    says = "failed locking tables: (errno 3024) maximum statement execution time exceeded"
    ready = {"ready_to_complete": True, "ready_to_complete_at": ago(100), "cutover_attempts": 2}
    return migration(shard, **{**ready, "stage": "locking tables", "message": says, **more})


def migrations(*found: dict[str, Any], holders: Any = (HOLDS,), **more: Any) -> RecordedVitess:
    """A keyspace with these migrations, and what is answered about who holds their tables on -80."""
    return RecordedVitess(
        {"GetSchemaMigrations": {"migrations": list(found)}, "GetWorkflows": {}},
        tablets=(*THREE, OTHER),
        under={"zone1-0000000100": server({"metadata_locks": holders}), OTHER.alias: server({"metadata_locks": ()})},
        **more,
    )


def stream(number: int = 1, state: str = "Running", *, behind: float = 1.0, message: str = "", **more: Any) -> Any:
    """One stream of a workflow."""
    return {
        "id": str(number),
        "shard": "-80",
        "tablet": {"cell": "zone1", "uid": 100},
        "binlog_source": {"keyspace": "commerce", "shard": "80-"},
        "state": state,
        "message": message,
        "transaction_timestamp": ago(behind),
        "time_updated": ago(1),
        **more,
    }


def workflow(name: str = "mat1", kind: str = "Materialize", *streams: Any, **more: Any) -> dict[str, Any]:
    """One workflow, all its streams on -80."""
    return {
        "name": name,
        "workflow_type": kind,
        "source": {"keyspace": "commerce", "shards": ["-80", "80-"]},
        "shard_streams": {"-80/zone1-0000000100": {"streams": list(streams or (stream(),))}},
        **more,
    }


def with_workflows(*found: dict[str, Any], traffic: str | Exception = "") -> RecordedVitess:
    """A keyspace with these workflows, and how far their traffic is switched."""
    status = traffic if isinstance(traffic, Exception) else {"traffic_state": traffic}
    return RecordedVitess({"GetWorkflows": {"workflows": list(found)}, "WorkflowStatus": status})


def rule(name: str = "online-ddl", *, ratio: float = 1.0, left: float = 3600.0, **more: Any) -> dict[str, Any]:
    """A rule of the throttler."""
    return {"name": name, "ratio": ratio, "expires_at": ago(-left), **more}


def throttling(*, leader: bool = True, lag: float = 0.9, rules: Any = None, **more: Any) -> dict[str, Any]:
    """The status of a tablet's throttler that is on."""
    return {
        "status": {
            "is_leader": leader,
            "is_open": True,
            "is_enabled": True,
            "metric_name_used_as_default": "lag",
            "aggregated_metrics": {
                "self": {"value": 0.1},
                "self/lag": {"value": 0.1},
                "shard/lag": {"value": lag},
                "shard/threads_running": {"value": 150.0},
                "self/custom": {"error": "metric not found"},
            },
            "metric_thresholds": {"default": 5.0, "lag": 5.0, "inventory/lag": 5.0, "threads_running": 100.0},
            "throttled_apps": {"always-throttled-app": ALWAYS, **(rules or {})},
            **more,
        }
    }


def keyspace(rules: Any = None, *, enabled: bool = True, **more: Any) -> dict[str, Any]:
    """A keyspace with what is set for its throttler."""
    config = {"enabled": enabled, "threshold": 5.0, "throttled_apps": rules or {}, **more}
    return {"keyspace": {"name": "commerce", "keyspace": {"throttler_config": config}}}


def with_throttler(primary: Any, of_keyspace: Any, replica: Any = None) -> RecordedVitess:
    """A shard whose primary and replicas answer so about their throttlers."""
    return RecordedVitess(
        {
            "GetThrottlerStatus zone1-0000000100": primary,
            "GetThrottlerStatus": replica or throttling(leader=False),
            "GetKeyspace": of_keyspace,
        }
    )
