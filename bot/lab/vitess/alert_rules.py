"""The alert rules of the Vitess lab; their labels are those of Vitess's metrics.

A shard is labelled `shard` in the metrics of VTOrc and vttablet, `shard_name` in those of vtgate. The rules for
conditions that a failover resolves by itself have a longer `for` than a failover takes.
"""

from __future__ import annotations

from typing import Any

from bot.lab.monitoring import rule

_PRIMARY = 'and on (tablet_alias) vttablet_tablet_server_state{type="PRIMARY"} == 1'
_POOLS = ("transaction_pool", "conn_pool", "stream_conn_pool", "found_rows_pool", "tx_read_pool")
_UNKNOWN_LAG = 1e15
"""A stream that is copying or has failed reports the largest integer as its lag."""


def rules() -> dict[str, Any]:
    """Returns the alert rules of the Vitess lab."""
    groups = {
        "vtorc": _vtorc(),
        "tablets": _tablets(),
        "vtgate": _vtgate(),
        "topology": _topology(),
        "moving": _moving(),
    }
    return {"groups": [{"name": name, "rules": found} for name, found in groups.items()]}


def _problem(analyses: str) -> str:
    return f'vtorc_detected_problems{{analysis=~"{analyses}"}} > 0'


def _vtorc() -> list[dict[str, Any]]:
    """Returns the rules for problems that VTOrc has detected, and for VTOrc itself."""
    errant = _problem("ErrantGTIDDetected")
    disabled = 'rate(vtorc_skipped_recoveries{reason="GlobalRecoveriesDisabled"}[10s]) > 0'
    return [
        rule("VitessPrimaryDead", _problem("DeadPrimary.*|PrimaryTabletDeleted"), "1s", "critical", _of("is dead")),
        rule("VitessPrimaryUnreachable", _problem("UnreachablePrimary.*"), "5s", "critical", _of("does not answer")),
        rule("VitessPrimaryReadOnly", _problem("PrimaryIsReadOnly"), "5s", "critical", _of("is read-only")),
        rule("VitessNoPrimary", _problem("ClusterHasNoPrimary"), "5s", "critical", _of("shard has no primary")),
        rule(
            "VitessReplicationStopped",
            _problem(
                "ReplicationStopped|NotConnectedToPrimary|ConnectedToWrongPrimary|AllPrimaryReplicasNotReplicating.*"
            ),
            "5s",
            "critical",
            _of("does not replicate"),
        ),
        rule("VitessReplicaWritable", _problem("ReplicaIsWritable"), "5s", "critical", _of("is writable")),
        rule(
            "VitessStaleTopologyPrimary", _problem("StaleTopoPrimary"), "5s", "warning", _of("is no longer the primary")
        ),
        rule(
            "VitessSemiSyncBlocked",
            _problem("PrimarySemiSyncBlocked|LockedSemiSyncPrimary.*")
            + " or vttablet_semi_sync_monitor_writes_blocked > 0",
            "2s",
            "critical",
            _of("waits for a replica to acknowledge its writes"),
        ),
        rule("VitessSemiSyncWrong", _problem(".*SemiSyncMust.*"), "5s", "warning", _of("has the wrong semi-sync")),
        rule(
            "VitessErrantGTID",
            f"{errant} or on (instance) vtorc_errant_gtid_tablet_count > 0",
            "12s",
            "critical",
            _of("has transactions that its primary lacks"),
        ),
        rule("VTOrcDown", 'up{job="vtorc"} == 0', "5s", "critical", "VTOrc on {{i}} does not answer"),
        rule(
            "VTOrcRecoveriesDisabled",
            disabled,
            "2s",
            "critical",
            _of("is not repaired, because recoveries are disabled"),
        ),
        rule(
            "VTOrcRecoveryFailed", "rate(vtorc_failed_recoveries[10s]) > 0.3", "3s", "critical", _of("is not repaired")
        ),
        rule(
            "VitessEmergencyReparentDisabled",
            "vtorc_emergency_reparent_shard_disabled > 0",
            "1s",
            "warning",
            _of("would not fail over"),
        ),
    ]


def _tablets() -> list[dict[str, Any]]:
    full = " or ".join(
        f'label_replace(vttablet_{pool}_available == 0 and vttablet_{pool}_capacity > 0, "pool", "{pool}", "", "")'
        for pool in _POOLS
    )
    codes = "FAILED_PRECONDITION|CLUSTER_EVENT|RESOURCE_EXHAUSTED|UNAVAILABLE"
    errors = (
        "sum by (tablet_alias, keyspace, shard, instance, error_code)"
        f' (rate(vttablet_errors{{error_code=~"{codes}"}}[5s])) > 0'
    )
    kills = "sum by (tablet_alias, keyspace, shard, instance, query_type) (increase(vttablet_kills[30s])) > 0"
    unresolved = "vttablet_unresolved_transaction > 0"
    lag = "mysql_slave_status_seconds_behind_source > 5"
    return [
        rule("VitessTabletDown", 'up{job="vttablet"} == 0', "5s", "critical", _of("does not answer")),
        rule(
            "VitessTabletNotServing",
            'vttablet_tablet_server_state{name!="SERVING"} == 1',
            "5s",
            "critical",
            _of("does not serve"),
        ),
        rule(
            "VitessTabletDrained",
            'vttablet_tablet_server_state{type=~"DRAINED|RDONLY"} == 1',
            "2s",
            "warning",
            _of("is left as {{ $labels.type }}"),
        ),
        rule("VitessMySQLDown", "mysql_up == 0", "5s", "critical", "MySQL on {{i}} does not answer"),
        rule("VitessReplicationLag", lag, "2s", "warning", "{{i}} is {{v}} s behind its source"),
        rule("VitessPoolFull", full, "2s", "critical", _of("has no connection left in {{ $labels.pool }}")),
        rule("VitessTabletErrors", errors, "2s", "warning", _of("refuses queries: {{ $labels.error_code }}")),
        rule("VitessKills", kills, "0s", "warning", _of("killed {{ $labels.query_type }}")),
        rule("VitessTransactionUnresolved", unresolved, "2s", "critical", _of("has transactions in doubt")),
    ]


def _vtgate() -> list[dict[str, Any]]:
    shards = 'label_replace(vtorc_tablets_watched_by_shard > 0, "shard_name", "$1", "shard", "(.*)")'
    # A vtgate that is down reports no tablets; VtgateDown covers that.
    none = " or ".join(
        f"label_replace({shards} unless on (keyspace, shard_name)"
        f' vtgate_healthcheck_connections{{tablet_type="{kind}"}} > 0, "tablet_type", "{kind}", "", "")'
        for kind in ("primary", "replica")
    )
    none = f'({none}) and on () max(up{{job="vtgate"}}) == 1'
    by_shard = "sum by (keyspace, shard_name, instance)"
    buffered = f"{by_shard} (rate(vtgate_buffer_requests_buffered[5s])) > 0"
    evicted = f"{by_shard} (rate(vtgate_buffer_requests_evicted[10s])) > 0"
    errors = "sum by (keyspace, shard_name, db_type, instance) (rate(vtgate_vttablet_call_error_count[5s])) > 0"
    in_shard = "{{ $labels.keyspace }}/{{ $labels.shard_name }}"
    return [
        rule("VtgateDown", 'up{job="vtgate"} == 0', "5s", "critical", "vtgate on {{i}} does not answer"),
        rule(
            "VitessNoHealthyTablet",
            none,
            "5s",
            "critical",
            f"{in_shard} has no {{{{ $labels.tablet_type }}}} that serves",
        ),
        rule("VtgateErrors", errors, "2s", "warning", f"Queries to {in_shard} fail"),
        rule("VtgateBuffering", buffered, "1s", "warning", f"vtgate holds back queries to {in_shard}"),
        rule(
            "VtgateBufferFailed", evicted, "0s", "critical", f"Queries to {in_shard} failed after they were held back"
        ),
    ]


def _topology() -> list[dict[str, Any]]:
    # Locks held by others and missing nodes also count as errors; only ListDir errors indicate an outage.
    metric = '{__name__=~"(vtorc|vtgate|vttablet)_topology_conn_errors",operation="ListDir"}'
    errors = f"sum by (job, cell, instance) (rate({metric}[10s])) > 0.3"
    return [
        rule("VitessTopologyDown", 'up{job="etcd"} == 0', "5s", "critical", "etcd on {{i}} does not answer"),
        rule(
            "VitessTopologyErrors", errors, "2s", "critical", "{{ $labels.job }} on {{i}} does not reach the topology"
        ),
        rule("VtctldDown", 'up{job="vtctld"} == 0', "5s", "warning", "vtctld on {{i}} does not answer"),
    ]


def _moving() -> list[dict[str, Any]]:
    """Returns the rules for workflows, schema changes and the throttler."""
    lag = f"vttablet_v_replication_lag_seconds > 5 and vttablet_v_replication_lag_seconds < {_UNKNOWN_LAG:.0f}"
    left = "vttablet_started_migrations - vttablet_successful_migrations - vttablet_failed_migrations > 0"
    throttled = (
        "sum by (tablet_alias, keyspace, shard, instance, workflow, component)"
        " (rate(vttablet_v_replication_throttled_counts[10s])) > 0"
    )
    refused = "rate(vttablet_throttler_check_shard_lag_error[10s]) > 0.5"
    workflow = "Workflow {{ $labels.workflow }}"

    def state(name: str) -> str:
        # Schema changes have alerts of their own; a failed one leaves its streams stopped.
        return f'vttablet_v_replication_stream_state{{state="{name}",workflow_type!="OnlineDDL"}} > 0'

    return [
        rule("VReplicationLag", lag, "5s", "warning", f"{workflow} is {{{{v}}}} s behind"),
        rule("VReplicationError", state("Error"), "1s", "critical", f"{workflow} has failed"),
        rule("VReplicationStopped", state("Stopped"), "2s", "warning", f"{workflow} is stopped"),
        rule("VReplicationThrottled", throttled, "5s", "warning", f"{workflow} is throttled"),
        rule("VitessThrottlerRefuses", refused, "5s", "warning", _of("throttles writes, because its shard lags")),
        rule(
            "OnlineDDLFailed",
            "increase(vttablet_failed_migrations[1m]) > 0",
            "0s",
            "warning",
            _of("schema change failed"),
        ),
        rule("OnlineDDLStuck", f"({left}) {_PRIMARY}", "30s", "warning", _of("does not finish a schema change")),
    ]


def _of(text: str) -> str:
    """Returns a summary about the tablet, or about the shard if the alert names no tablet."""
    return f"{{{{ $labels.keyspace }}}}/{{{{ $labels.shard }}}} {{{{ $labels.tablet_alias }}}} {text}"
