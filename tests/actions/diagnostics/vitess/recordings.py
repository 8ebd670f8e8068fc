"""Answers of a shard of a real cluster (Vitess 24.0.0 on MySQL 9.7.4), shortened, and how its parts fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actions.contract import MySQL, Row, Unreadable
from actions.prometheus_contract import Series
from actions.vitess_contract import Tablet
from tests.recorded import Recorded
from tests.recorded_vitess import THREE, RecordedVitess, series, server

A, B, C = (each.alias for each in THREE)
"""The primary and its two replicas."""
PRIMARY_UUID = "627ea3f0-e939-11f1-bfac-02fc00000001"
REPLICA_UUID = "62f0ab77-e939-11f1-b02b-02fc00000001"
REFUSED = Unreadable("http://127.0.0.1:15101/debug/status_details does not answer (connection refused).")
SILENT = Unreadable("http://127.0.0.1:15101/debug/status_details did not answer within 2 s.")
NO_MYSQLD = Unreadable(
    "vtctld at 127.0.0.1:15999 refused GetFullStatus: rpc error: code = Unavailable desc = TabletManager.FullStatus on "
    "zone1-0000000101: net.Dial(/vt/vt_0000000101/mysql.sock) to local server failed: dial unix "
    "/vt/vt_0000000101/mysql.sock: connect: connection refused (errno 2002) (sqlstate HY000)"
)
TOPOLOGY_AWAY = Unreadable("vtctld at 127.0.0.1:15999 did not answer GetTablets within 2 s.")
READS = [{"read_only": 1, "super_read_only": 1}]
WRITES = [{"read_only": 0, "super_read_only": 0}]


def of_primary(**changes: Any) -> dict[str, Any]:
    """A primary's answer to GetFullStatus; what is off is absent, and 64-bit numbers are text."""
    status = {
        "server_uuid": PRIMARY_UUID,
        "primary_status": {"position": f"MySQL56/{PRIMARY_UUID}:1-382", "server_uuid": PRIMARY_UUID},
        "version": "9.7.4",
        "semi_sync_primary_enabled": True,
        "semi_sync_replica_enabled": True,
        "semi_sync_primary_status": True,
        "semi_sync_primary_clients": 2,
        "semi_sync_primary_timeout": "1000000000000000000",
        "semi_sync_wait_for_replica_count": 1,
        "tablet_type": "PRIMARY",
    }
    return {"status": _changed(status, changes)}


def of_replica(*, replication: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A replica's answer to GetFullStatus; a value of None takes a field away."""
    told = {
        "position": f"MySQL56/{PRIMARY_UUID}:1-382",
        "source_host": "127.0.0.1",
        "source_port": 17100,
        "source_uuid": PRIMARY_UUID,
        "io_state": 3,
        "sql_state": 3,
        "auto_position": True,
    }
    status = {
        "server_uuid": REPLICA_UUID,
        "replication_status": _changed(told, replication or {}),
        "primary_status": {"position": f"MySQL56/{PRIMARY_UUID}:1-382", "server_uuid": REPLICA_UUID},
        "version": "9.7.4",
        "read_only": True,
        "super_read_only": True,
        "semi_sync_replica_enabled": True,
        "semi_sync_replica_status": True,
        "semi_sync_wait_for_replica_count": 1,
        "tablet_type": "REPLICA",
    }
    return {"status": _changed(status, changes)}


def details(state: str = "REPLICA: Serving", *more: tuple[str, str, str], css: str = "healthy") -> list[dict[str, str]]:
    """The page /debug/status_details; `more` are its other rows as key, class and value."""
    rows = [("Current State", css, state), *more]
    return [{"Key": key, "Class": kind, "Value": value} for key, kind, value in rows]


def shard_record(**changes: Any) -> dict[str, Any]:
    """The answer to GetShard."""
    record = {
        "primary_alias": {"cell": "zone1", "uid": 100},
        "key_range": {"end": "gA=="},
        "is_primary_serving": True,
        "primary_term_start_time": {"seconds": "1772334000", "nanoseconds": 812527324},
    }
    return {"shard": {"keyspace": "commerce", "name": "-80", "shard": _changed(record, changes)}}


def keyspace_record(**changes: Any) -> dict[str, Any]:
    """The answer to GetKeyspace."""
    record = {"durability_policy": "semi_sync", "sidecar_db_name": "_vt"}
    return {"keyspace": {"name": "commerce", "keyspace": _changed(record, changes)}}


def seen(alias: str, type_: str = "REPLICA", state: str = "SERVING", since: str = "", shard: str = "-80") -> Row:
    """A row of SHOW VITESS_TABLETS."""
    return {
        "Cell": "zone1",
        "Keyspace": "commerce",
        "Shard": shard,
        "TabletType": type_,
        "State": state,
        "Alias": alias,
        "Hostname": "127.0.0.1",
        "PrimaryTermStartTime": since,
    }


SEEN: tuple[Row, ...] = (
    seen(A, "PRIMARY", since="2026-03-01T03:00:00Z"),
    seen(B),
    seen(C),
    seen("zone1-0000000103", "PRIMARY", since="2026-03-01T03:00:01Z", shard="80-"),
)
COUNTED: tuple[Series, ...] = (
    series(0, __name__="vttablet_replication_lag_sec"),
    series(0, __name__="vttablet_semi_sync_monitor_writes_blocked"),
    series(0, __name__="vttablet_backup_is_running", mode="online"),
    series(1772330000.15, __name__="process_start_time_seconds"),
    series(0, __name__="vttablet_check_my_sql_running"),
    series(7, __name__="vttablet_errors", error_code="CLUSTER_EVENT"),
    series(2, __name__="vttablet_errors", error_code="DEADLINE_EXCEEDED"),
    series(0, __name__="vttablet_errors", error_code="ABORTED"),
    series(1, __name__="vttablet_internal_errors", type="HungQuery"),
    series(3, __name__="vttablet_kills", query_type="Queries"),
    series(4, __name__="vttablet_kills", query_type="Transactions"),
    series(5, __name__="vttablet_kills", query_type="ReservedConnection"),
    series(
        1, __name__="vttablet_tablet_server_state", keyspace="commerce", name="SERVING", shard="-80", type="PRIMARY"
    ),
)
RULES: dict[str, Any] = {"DenyListQueryRules": []}


def healthy(
    *,
    calls: Mapping[str, Any] | None = None,
    pages: Mapping[str, Any] | None = None,
    shows: Sequence[Row] | None = SEEN,
    tablets: Sequence[Tablet] = THREE,
    tablet: str = A,
    under: Mapping[str, MySQL] | None = None,
    reader: type[RecordedVitess] = RecordedVitess,
) -> RecordedVitess:
    """The shard THREE in health, with these answers instead of its own; `shows` None takes the vtgate away."""
    told: dict[str, Any] = {
        "GetShard": shard_record(),
        "GetKeyspace": keyspace_record(),
        f"GetFullStatus {A}": of_primary(),
        "GetFullStatus": of_replica(),
        "GetBackups": {},
        "GetWorkflows": {},
        "GetCellInfoNames": {"names": ["zone1"]},
        "GetSrvKeyspaces": routing(),
    }
    shown: dict[str, Any] = {"vtorc /api/errant-gtids": [None]}
    for each in tablets:
        state = "PRIMARY: Serving, Mar 1, 2026 at 03:00:00 (UTC)" if each.type == "PRIMARY" else f"{each.type}: Serving"
        shown[f"vttablet {each.alias} /debug/status_details"] = [details(state, ("Replication Lag", "healthy", "0s"))]
        shown[f"vttablet {each.alias} /debug/query_rules"] = RULES
        shown[f"vttablet {each.alias} /debug/vars"] = {"BuildVersion": "24.0.0", "BuildGitRev": ""}
        shown[f"metrics vttablet {each.alias}"] = [COUNTED]
    return reader(
        {**told, **(calls or {})},
        {**shown, **(pages or {})},
        shows={} if shows is None else {"SHOW VITESS_TABLETS": shows},
        tablets=tablets,
        tablet=tablet,
        under=under if under is not None else {A: server({"read_only": WRITES})},
    )


def routing(**of_shard: Any) -> dict[str, Any]:
    """The answer to GetSrvKeyspaces; `of_shard` are the controls of -80 for REPLICA."""
    shards = [{"name": "-80", "key_range": {"end": "gA=="}}, {"name": "80-", "key_range": {"start": "gA=="}}]
    parts = [{"served_type": each, "shard_references": shards} for each in ("PRIMARY", "REPLICA", "RDONLY")]
    if of_shard:
        parts[1]["shard_tablet_controls"] = [{"name": "-80", **of_shard}, {"name": "80-"}]
    return {"srv_keyspaces": {"zone1": {"partitions": parts}}}


def down(alias: str, error: Exception = REFUSED) -> dict[str, Any]:
    """The pages of a vttablet that is dead."""
    parts = (
        f"vttablet {alias} /debug/status_details",
        f"vttablet {alias} /debug/query_rules",
        f"metrics vttablet {alias}",
    )
    return dict.fromkeys(parts, error)


def typed(type_: str, *which: int) -> tuple[Tablet, ...]:
    """THREE with this type for those of these uids."""
    return tuple(replace(each, type=type_) if each.uid in which else each for each in THREE)


class TopologyAway(RecordedVitess):
    """A cluster whose topology server is frozen."""

    def tablets(self, *, of_keyspace: bool = False) -> tuple[Tablet, ...]:
        """Raises: the topology server does not answer."""
        raise TOPOLOGY_AWAY


def tablet_mysql(**answers: Sequence[Row]) -> Recorded:
    """The MySQL server of a tablet; a statement that contains the name gets the rows."""
    return server(answers)


def _changed(record: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**record, **changes}.items() if value is not None}
