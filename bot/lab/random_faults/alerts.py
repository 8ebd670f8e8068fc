"""The alerts that real rule files send, by symptom."""

from __future__ import annotations

from collections.abc import Mapping

from bot.lab.random_faults.scenario import ANY

ALERTS: Mapping[str, tuple[str, ...]] = {
    "locks": ("MySQLBlockedWrites", "MySQLInnoDBRowLockWaits", "MysqlLockWaitTimeHigh", "MySQLQueriesBlocked"),
    "threads": ("MysqlHighThreadsRunning", "MySQLThreadsRunningHigh", "MySQLConcurrencyHigh"),
    "connections": ("MysqlTooManyConnections", "MySQLConnectionsNearLimit", "MysqlConnectionUsageHigh"),
    "slow": ("MysqlSlowQueries", "MySQLQueryLatencyHigh"),
    "long_query": ("MySQLLongRunningQuery", "MysqlQueryRunningLong"),
    "long_transaction": ("MySQLLongTransaction", "MySQLInnoDBHistoryListGrows"),
    "schema_change": ("MySQLSchemaChangeStuck", "AlterTableBlocked"),
    "replication": ("MySQLReplicationNotRunning", "MysqlSlaveSqlThreadNotRunning", "MySQLReplicaBroken"),
    "lag": ("MysqlSlaveReplicationLag", "MySQLReplicaLagging"),
    "prepared": ("MySQLPreparedTransactionOrphaned", "MysqlXaRecoverNotEmpty"),
    "read_only": ("MySQLReadOnlyMismatch", "MySQLReplicaWritable", "MySQLPrimaryReadOnly"),
    "auto_increment": ("MySQLAutoIncrementNearlyExhausted", "MysqlTableAutoIncrementCapacity"),
    "binary_logs": ("MySQLBinlogSizeHigh", "MysqlBinaryLogsGrow"),
    ANY: ("MySQLUnhealthy", "MysqlServiceDegraded", "MySQLApplicationErrors"),
}
"""Symptom -> names of alerts. The rules behind them have thresholds that a fault need not reach."""

LABELS: Mapping[str, Mapping[str, str]] = {
    "long_transaction": {"firstmate_old": "1s"},
    "long_query": {"firstmate_long": "2s"},
    "lag": {"firstmate_lag": "2s"},
    "threads": {"firstmate_many": "10"},
    "binary_logs": {"firstmate_much": "1KiB"},
    "prepared": {"firstmate_old": "1s"},
}
"""Labels with which an alert sets thresholds that a scenario of a few seconds can reach."""
