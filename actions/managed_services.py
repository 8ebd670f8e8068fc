"""Managed database services: how a server shows that it belongs to one, and what the service offers instead of SQL.

Sources: Amazon RDS user guide, "Stored procedures for MySQL" and "Working with parameter groups"; Amazon Aurora user
guide, "Aurora MySQL stored procedures"; Google Cloud SQL for MySQL, "Configure database flags" and "Manage read
replicas"; Azure Database for MySQL, "Management stored procedures" and "Server parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from actions.contract import MySQL
from actions.status_counters import variables

Service: TypeAlias = Literal["none", "rds", "aurora", "cloud_sql", "azure"]
NAMES: Mapping[Service, str] = {
    "rds": "Amazon RDS",
    "aurora": "Amazon Aurora",
    "cloud_sql": "Google Cloud SQL",
    "azure": "Azure Database for MySQL",
}
VARIABLES = (
    "version",
    "version_comment",
    "basedir",
    "aurora_version",
    "cloudsql_iam_authentication",
    "azure_replication_enabled",
)
"""The variables that tell a service; a server has only some of them."""

_RDS: Mapping[str, str] = {
    "mysql.kill_connection": "CALL mysql.rds_kill(ID)",
    "mysql.kill_idle_sessions": "CALL mysql.rds_kill(ID) for each session",
    "mysql.kill_query": "CALL mysql.rds_kill_query(ID)",
    "mysql.kill_statements": "CALL mysql.rds_kill_query(ID) for each session",
    "mysql.start_replica": "CALL mysql.rds_start_replication",
    "mysql.stop_replica": "CALL mysql.rds_stop_replication",
    "mysql.skip_transaction": "CALL mysql.rds_skip_repl_error, or mysql.rds_skip_transaction_with_gtid with GTIDs",
    "mysql.purge_binary_logs": "CALL mysql.rds_set_configuration('binlog retention hours', HOURS)",
    "mysql.set_variable": "a parameter in the DB parameter group of the instance",
    "mysql.set_read_only": "the parameter read_only in the DB parameter group of the instance",
    "mysql.resize_buffer_pool": "the parameter innodb_buffer_pool_size in the DB parameter group of the instance",
    "mysql.fix_errant_gtid": "a new read replica in place of this one",
}
_CLOUD_SQL: Mapping[str, str] = {
    "mysql.start_replica": "gcloud sql instances patch REPLICA --enable-database-replication",
    "mysql.stop_replica": "gcloud sql instances patch REPLICA --no-enable-database-replication",
    "mysql.skip_transaction": "a new read replica in place of this one",
    "mysql.purge_binary_logs": "gcloud sql instances patch INSTANCE --retained-transaction-log-days=DAYS",
    "mysql.set_variable": "a database flag (gcloud sql instances patch INSTANCE --database-flags=NAME=VALUE)",
    "mysql.set_read_only": "the database flag read_only",
    "mysql.resize_buffer_pool": "the database flag innodb_buffer_pool_size",
    "mysql.fix_errant_gtid": "a new read replica in place of this one",
}
_AZURE: Mapping[str, str] = {
    "mysql.kill_connection": "CALL mysql.az_kill(ID)",
    "mysql.kill_idle_sessions": "CALL mysql.az_kill(ID) for each session",
    "mysql.kill_query": "CALL mysql.az_kill_query(ID)",
    "mysql.kill_statements": "CALL mysql.az_kill_query(ID) for each session",
    "mysql.start_replica": "CALL mysql.az_replication_start",
    "mysql.stop_replica": "CALL mysql.az_replication_stop",
    "mysql.skip_transaction": "CALL mysql.az_replication_skip_counter",
    "mysql.purge_binary_logs": "the server parameter binlog_expire_logs_seconds",
    "mysql.set_variable": "a server parameter (az mysql flexible-server parameter set)",
    "mysql.set_read_only": "the server parameter read_only",
    "mysql.resize_buffer_pool": "the server parameter innodb_buffer_pool_size",
    "mysql.fix_errant_gtid": "a new read replica in place of this one",
}
_INSTEAD: Mapping[Service, Mapping[str, str]] = {
    "rds": _RDS,
    "aurora": {
        **_RDS,
        "mysql.set_variable": "a parameter in the DB cluster parameter group or the DB parameter group",
        "mysql.set_read_only": "a failover to another instance: readers are always read-only",
    },
    "cloud_sql": _CLOUD_SQL,
    "azure": _AZURE,
}


def service_of(has: Mapping[str, str]) -> Service:
    """Returns the service that these variables show; `none` for a server that someone runs themselves.

    Aurora has aurora_version; the programs of RDS and Aurora are in /rdsdbbin (those of Aurora MySQL in
    /rdsdbbin/oscar-...); versions of Cloud SQL end in -google, those of Azure in -azure.
    """
    version, comment = has.get("version", "").lower(), has.get("version_comment", "").lower()
    basedir = has.get("basedir", "").lower()
    if has.get("aurora_version") or "/rdsdbbin/oscar" in basedir or "aurora" in basedir:
        return "aurora"
    if "rdsdbbin" in basedir:
        return "rds"
    if "-google" in version or "google" in comment or "cloudsql_iam_authentication" in has:
        return "cloud_sql"
    if "azure" in version or "azure" in comment or "azure_replication_enabled" in has:
        return "azure"
    return "none"


def refused_by_service(action: str, db: MySQL) -> str:
    """Returns why an action is refused on a managed server, with the service's own way; '' if it is allowed.

    Raises Unreadable.
    """
    if not any(action in of for of in _INSTEAD.values()):
        return ""
    service = service_of(variables(db, *VARIABLES))
    instead = _INSTEAD.get(service, {}).get(action, "")
    if not instead:
        return ""
    name = NAMES[service]
    return f"{db.address} is a server of {name}, where {action} is not used. The service has its own way: {instead}."
