"""The shipped runbooks: their own tests, and the alerts that they match."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from bot.alerts import Alert, AlertStatus
from bot.runbook.library.load_runbooks import load_folders, shipped_folder
from bot.runbook.matching.match import Tie, choose
from bot.runbook.testing.run_tests import run_tests

LIBRARY = load_folders([shipped_folder()])
BY_NAME = {runbook.runbook: runbook for runbook in LIBRARY.runbooks}
STOPPED = "mysql/replication-stopped"
LAG = "mysql/replication-lag"
CONNECTIONS = "mysql/connections-exhausted"
WRITES = "mysql/blocked-writes"
BACKENDS = "proxysql/backends"


def test_the_shipped_runbooks_are_loaded():
    assert {STOPPED, LAG, CONNECTIONS, WRITES, "mysql/first-look"} <= BY_NAME.keys()


@pytest.mark.parametrize("name", BY_NAME)
def test_the_tests_of_a_shipped_runbook_pass(name):
    results = run_tests(BY_NAME[name])
    assert [
        (each.name, [str(difference) for difference in each.differences]) for each in results if not each.passed
    ] == []


@pytest.mark.parametrize("name", BY_NAME)
def test_every_cause_is_expected_by_a_test(name):
    runbook = BY_NAME[name]
    tested = {cause for test in runbook.tests for cause in (test.expect.cause, *(test.expect.causes or ()))}
    assert {cause.id for cause in runbook.causes} - tested == set()


@pytest.mark.parametrize("name", BY_NAME)
def test_every_remedy_has_a_cause_and_the_notes_say_when_not_to_act(name):
    runbook = BY_NAME[name]
    assert runbook.remedies.keys() == {remedy for cause in runbook.causes for remedy in cause.remedies}
    assert runbook.notes


def answer(name: str, expression: str) -> object:
    url = f"http://prometheus:9090/graph?g0.expr={quote(expression)}&g0.tab=1" if expression else ""
    found = choose(
        LIBRARY.runbooks,
        Alert({"alertname": name}, AlertStatus.FIRING, datetime(2026, 1, 1, tzinfo=UTC), generator_url=url),
    )
    return found if found is None or isinstance(found, Tie) else found.runbook.runbook


ANSWERED = [
    # by name alone, as teams call it; the families of names are slave and replica, master and source
    ("MySQLSlaveIOThreadNotRunning", "", STOPPED),
    ("MySQLSlaveSqlThreadNotRunning", "", STOPPED),
    ("MySQLReplicaIOThreadNotRunning", "", STOPPED),
    ("MysqlReplicationNotRunning", "", STOPPED),
    ("[MySQL] Slave Sql Thread Not Running", "", STOPPED),
    ("mysql_replication_broken", "", STOPPED),
    ("MariaDBReplicationStopped", "", STOPPED),
    ("ReplicaApplierError", "", STOPPED),
    ("MySQLReplicationDown", "", STOPPED),
    ("MySQLSlaveReplicationLag", "", LAG),
    ("MysqlReplicaLagging", "", LAG),
    ("MySQLReplicationLag", "", LAG),
    ("mysql replication delay", "", LAG),
    ("ReplicaBehindSource", "", LAG),
    ("SlaveSecondsBehindMaster", "", LAG),
    ("MySQLHeartbeatLag", "", LAG),
    ("MySQLTooManyConnections", "", CONNECTIONS),
    ("MySQL Too many Connections (>80%)", "", CONNECTIONS),
    ("MysqlConnectionsHigh", "", CONNECTIONS),
    ("MariaDBMaxConnectionsReached", "", CONNECTIONS),
    ("MySQLConnectionUsage80", "", CONNECTIONS),
    ("MySQLThreadsConnectedNearLimit", "", CONNECTIONS),
    ("MySQLInnodbRowLockWaits", "", WRITES),
    ("MySQLRowLockTimeHigh", "", WRITES),
    ("MySQLMetadataLockWaits", "", WRITES),
    ("MySQLLockWaitTimeout", "", WRITES),
    ("MySQLBlockedTransactions", "", WRITES),
    ("MySQLWritesBlocked", "", WRITES),
    # by the metrics of the expression, where the name says nothing
    ("DB-17", "mysql_slave_status_slave_io_running == 0 or mysql_slave_status_slave_sql_running == 0", STOPPED),
    ("DB-17", 'mysql_slave_status_replica_sql_running{channel_name=""} == 0', STOPPED),
    ("DB-17", "mysql_slave_status_seconds_behind_master - mysql_slave_status_sql_delay > 30", LAG),
    ("DB-17", "max by (instance) (mysql_slave_status_seconds_behind_source) > 30", LAG),
    ("DB-17", "predict_linear(instance:mysql_slave_lag_seconds[5m], 120) > 0", LAG),
    ("DB-17", "mysql_heartbeat_now_timestamp_seconds - mysql_heartbeat_stored_timestamp_seconds > 30", LAG),
    ("DB-17", "mysql_global_status_threads_connected / mysql_global_variables_max_connections > 0.8", CONNECTIONS),
    ("DB-17", "increase(mysql_global_status_connection_errors_max_connections[5m]) > 0", CONNECTIONS),
    ("DB-17", "mysql_global_status_innodb_row_lock_current_waits > 5", WRITES),
    ("DB-17", "rate(mysql_global_status_innodb_row_lock_waits[1m]) > 10", WRITES),
    # where both could answer, the more serious or the more particular does
    ("DB-17", "mysql_slave_status_seconds_behind_master > 30 or mysql_slave_status_slave_sql_running == 0", STOPPED),
    (
        "MySQLReplicationLag",
        "mysql_slave_status_seconds_behind_source > 30 and mysql_slave_status_replica_sql_running",
        LAG,
    ),
    ("ProxySQLBackendShunned", "", BACKENDS),
    ("ProxySQLBackendDown", "proxysql_connpool_conns_status > 1", BACKENDS),
    ("ProxySQL server offline", "", BACKENDS),
    ("DB-17", "proxysql_connpool_conns_status != 1", BACKENDS),
    ("DB-17", "count by (hostgroup) (proxysql_connection_pool_status == 1) < 2", BACKENDS),
    ("MySQLReplicationLagOrStopped", "", STOPPED),
    ("MySQLReplicaLockWaitLag", "", LAG),
    # the other families, by name and by metric
    ("MySQLDown", "", "mysql/server-down"),
    ("DB-17", "mysql_up == 0", "mysql/server-down"),
    ("MySQLSlowQueries", "", "mysql/slow-queries"),
    ("DB-17", "increase(mysql_global_status_slow_queries[1m]) > 0", "mysql/slow-queries"),
    ("MySQLHighThreadsRunning", "", "mysql/threads-running"),
    ("MySQLRestarted", "mysql_global_status_uptime < 60", "mysql/server-restarted"),
    ("MySQLDeadlocks", "rate(mysql_global_status_innodb_deadlocks[5m]) > 0", "mysql/deadlocks"),
    ("MySQLInnoDBHistoryLenTooLong", "", "mysql/history-list"),
    ("MySQLErrantGTID", "", "mysql/errant-gtids"),
    ("MySQLSemiSyncDegraded", "", "mysql/semi-sync"),
    ("MySQLInnoDBLogWaits", "rate(mysql_global_status_innodb_log_waits[15m]) > 10", "mysql/redo-log"),
    ("MySQLAutoIncrementExhaustion", "", "mysql/auto-increment"),
    ("MySQLBinlogGrowth", "", "mysql/binary-logs"),
    ("MySQLTemporaryTablesOnDisk", "", "mysql/temporary-tables"),
    ("MySQLSplitBrain", "", "mysql/read-only"),
    ("MySQLConfigurationDrift", "", "mysql/configuration-drift"),
    ("MySQLAccessDenied", "", "mysql/access-denied"),
    ("MySQLPreparedTransactions", "", "mysql/prepared-transactions"),
    ("MySQLSchemaChangeStuck", "", "mysql/schema-change"),
    ("MySQLLongRunningQuery", "", "mysql/runaway-query"),
    ("MySQLBufferPoolHitRate", "", "mysql/buffer-pool"),
    ("MySQLDiskSpace", "", "mysql/disk-space"),
    (
        "NodeFilesystemAlmostOutOfSpace",
        "node_filesystem_avail_bytes / node_filesystem_size_bytes * 100 < 5 and node_filesystem_readonly == 0",
        "host/disk",
    ),
    (
        "HostOutOfDiskSpace",
        "node_filesystem_avail_bytes / node_filesystem_size_bytes < .10 and node_filesystem_readonly == 0",
        "host/disk",
    ),
    (
        "HostOutOfInodes",
        "node_filesystem_files_free / node_filesystem_files < .10 and node_filesystem_readonly == 0",
        "host/disk",
    ),
    ("HostFilesystemDeviceError", "node_filesystem_device_error == 1", "host/filesystem-read-only"),
    ("DB-17", "node_filesystem_readonly == 1", "host/filesystem-read-only"),
    ("HostOomKillDetected", "", "host/memory"),
    ("VitessTabletReplicationLag", "vttablet_replication_lag_sec > 30", "vitess/replication-lag"),
    ("VitessSchemaDrift", "", "vitess/schema-drift"),
    ("VitessBackupTooOld", "", "vitess/backups"),
    ("VitessDeniedTablesLeft", "", "vitess/controls"),
    ("DB-17", "increase(vtorc_failed_recoveries[10m]) > 0", "vitess/shard"),
    ("DB-17", "vtorc_errant_gtid_tablet_count > 0", "vitess/errant-gtids"),
    ("DB-17", "vttablet_online_ddl_stale_migration_minutes > 180", "vitess/online-ddl"),
    ("DB-17", "vtctld_something_new > 1", "vitess/first-look"),
    ("HostHighCpuLoad", "", "host/cpu"),
    ("HostClockSkew", "", "host/clock"),
]

FALLBACK = [
    # MySQL's, but no family of these runbooks
    ("MySQLGaleraNotReady", "mysql_global_status_wsrep_ready != 1"),
    ("GaleraReplicationLatencyTooLong", "mysql_galera_evs_repl_latency_avg_seconds > 0.1"),
    ("MySQLHighReplicationDelay", "mysql_perf_schema_replication_group_worker_apply_time_seconds > 0.5"),
    ("MySQLTooManyOpenFiles", "mysql_global_status_open_files / mysql_global_variables_open_files_limit > 0.8"),
]

UNANSWERED = [
    # another product's trouble, however alike the name
    ("PostgresqlReplicationLag", "pg_replication_lag > 30"),
    ("PostgreSQLTooManyConnections", ""),
    ("MongodbReplicationLag", ""),
    ("RedisReplicationBroken", ""),
    ("RedisTooManyConnections", ""),
    ("KafkaConsumerLag", ""),
    ("NginxHighConnections", ""),
    ("MSSQLLockWaits", ""),
    ("KubeDeploymentReplicasMismatch", "kube_deployment_spec_replicas != kube_deployment_status_replicas_available"),
    ("KubeStatefulSetReplicasDown", ""),
    ("EtcdDatabaseQuotaLowSpace", "etcd_mvcc_db_total_size_in_bytes > 1"),
    ("PostgresDatabaseDown", "pg_up == 0"),
    ("HostCPUIsUnderutilized", "node_cpu_seconds_total < 1"),
    ("Watchdog", "vector(1)"),
    ("", ""),
]


@pytest.mark.parametrize(("name", "expression", "runbook"), ANSWERED)
def test_an_alert_matches_its_runbook(name, expression, runbook):
    assert answer(name, expression) == runbook


@pytest.mark.parametrize(("name", "expression"), FALLBACK)
def test_a_database_alert_without_a_specific_runbook_matches_the_fallback(name, expression):
    assert answer(name, expression) == "mysql/first-look"


@pytest.mark.parametrize(("name", "expression"), UNANSWERED)
def test_an_alert_about_something_else_matches_no_runbook(name, expression):
    assert answer(name, expression) is None
