"""The settings in which the members of a shard should agree, and the variables that somebody changed at runtime."""

from __future__ import annotations

from dataclasses import dataclass, field

from actions.contract import Cost, Flavour, MySQL, Seconds, diagnostic
from actions.status_counters import variables

COMPARED = (
    "binlog_expire_logs_seconds", "binlog_format", "binlog_row_image", "character_set_server", "collation_server",
    "default_storage_engine", "explicit_defaults_for_timestamp", "gtid_mode", "gtid_strict_mode",
    "innodb_buffer_pool_size", "innodb_file_per_table", "innodb_flush_log_at_trx_commit", "innodb_io_capacity",
    "innodb_io_capacity_max", "innodb_lock_wait_timeout", "innodb_redo_log_capacity", "log_bin", "log_replica_updates",
    "log_slave_updates", "lower_case_table_names", "max_allowed_packet", "max_connections", "performance_schema",
    "sql_mode", "sync_binlog", "table_open_cache", "time_zone", "transaction_isolation", "tx_isolation",
    "wait_timeout",
)  # fmt: skip
"""Settings that the members of a shard should share, because a failover would change them unnoticed."""
CHANGED = """
SELECT i.VARIABLE_NAME AS name, g.VARIABLE_VALUE AS value, i.VARIABLE_SOURCE AS source,
       COALESCE(i.SET_USER, '') AS user, TIMESTAMPDIFF(SECOND, i.SET_TIME, NOW()) AS age
  FROM performance_schema.variables_info i
  JOIN performance_schema.global_variables g ON g.VARIABLE_NAME = i.VARIABLE_NAME
 WHERE i.VARIABLE_SOURCE = 'DYNAMIC' AND i.SET_USER IS NOT NULL AND i.SET_USER <> 'boot'
 ORDER BY i.SET_TIME DESC LIMIT 100
"""
SESSION = (
    "lock_wait_timeout", "foreign_key_checks", "sql_log_bin", "transaction_read_only", "sql_select_limit",
    "max_execution_time", "innodb_lock_wait_timeout", "autocommit", "character_set_client", "collation_connection",
    "character_set_connection", "character_set_results", "time_zone", "wait_timeout", "unique_checks", "gtid_next",
    "sql_mode", "net_write_timeout", "net_read_timeout", "profiling", "pseudo_thread_id", "timestamp",
    "innodb_strict_mode", "transaction_isolation", "group_concat_max_len", "optimizer_switch", "rand_seed1",
    "rand_seed2", "last_insert_id", "insert_id", "identity", "sql_auto_is_null", "sql_notes", "sql_safe_updates",
    "sql_warnings", "sql_big_selects", "sql_quote_show_create", "sql_buffer_result", "interactive_timeout",
)  # fmt: skip
"""Variables that MySQL 9.7 reports as changed when any session has set them for itself."""


@dataclass(frozen=True, slots=True)
class ChangedVariable:
    """A variable that was set at runtime; a restart discards the value."""

    name: str
    value: str
    """The present value."""
    user: str
    """The user who set it."""
    age: Seconds
    """Time since it was set."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one server."""

    address: str = ""
    """`host:port` of the server."""
    values: dict[str, str] = field(default_factory=dict)
    """Settings that the members of a shard should share, by name."""
    changed: tuple[ChangedVariable, ...] = ()
    """Variables that were set at runtime, the latest first; 20 at most (MySQL 8.0 and later)."""
    told: bool = False
    """Whether the server records who changed a variable."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("SELECT ON performance_schema.*",), Flavour.MARIADB: ()})
def configuration(db: MySQL) -> Configuration:
    """Reads settings that the members of a shard should share, and the variables changed at runtime."""
    values = variables(db, *COMPARED)
    told = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    rows = db.rows(CHANGED, limit=100) if told else []
    changed = tuple(
        ChangedVariable(str(r["name"]), str(r["value"])[:100], str(r["user"]), float(r["age"] or 0))
        for r in rows
        if r["name"] not in SESSION
    )
    return Configuration(db.address, {name: value[:200] for name, value in values.items()}, changed[:20], told)
