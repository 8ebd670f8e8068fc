"""The catalog: every action by its name in YAML. A new action is one visible line here."""

from __future__ import annotations

from collections.abc import Mapping

from actions.contract import Diagnostic, Remediation
from actions.diagnostics.mysql import (
    applier_workers,
    connection_use,
    global_variables,
    lock_waits,
    long_transactions,
    metadata_lock_waits,
    processlist_summary,
    replica_status,
)
from actions.diagnostics.prometheus import instant, range  # noqa: A004 - its name in YAML
from actions.remediations.mysql import kill_connection, kill_query, set_variable, start_replica

DIAGNOSTICS: Mapping[str, Diagnostic] = {
    "mysql.applier_workers": applier_workers.applier_workers,
    "mysql.connection_use": connection_use.connection_use,
    "mysql.global_variables": global_variables.global_variables,
    "mysql.lock_waits": lock_waits.lock_waits,
    "mysql.long_transactions": long_transactions.long_transactions,
    "mysql.metadata_lock_waits": metadata_lock_waits.metadata_lock_waits,
    "mysql.processlist_summary": processlist_summary.processlist_summary,
    "mysql.replica_status": replica_status.replica_status,
    "prometheus.instant": instant.instant,
    "prometheus.range": range.range,
}

REMEDIATIONS: Mapping[str, type[Remediation]] = {
    "mysql.kill_connection": kill_connection.KillConnection,
    "mysql.kill_query": kill_query.KillQuery,
    "mysql.set_variable": set_variable.SetVariable,
    "mysql.start_replica": start_replica.StartReplica,
}
