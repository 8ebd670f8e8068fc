"""The settings of Firstmate's sessions on MySQL and MariaDB servers.

A server's defaults change what a statement means: `time_zone` shifts NOW() against the times in INNODB_TRX, which are
in the system's time zone; `sql_mode` changes quotes and operators; an isolation level, a character set or
`init_connect` changes what a session sees. So each session sets all of them itself, after the login.
"""

from __future__ import annotations

from actions.contract import Seconds, ServerVersion

LOCK_WAIT = 2
"""Seconds that a session waits for a lock."""
LONGEST_IDLE = 10
"""Seconds after which the server ends an idle changing session, so that a bot that was suspended during a change cannot
continue it later."""
MOST_ROWS = 1000
"""The most rows that the server sends for one SELECT, whatever the limit of the caller."""
MOST_SHOWN = 20_001
"""The most rows of one SHOW, which the server neither orders nor aggregates, and whose newest rows may be the last."""


def reader_settings(version: ServerVersion, timeout: Seconds) -> str:
    """Returns the statement that sets up a reader's session, by flavour.

    The time limit is max_execution_time (milliseconds, SELECT only) in MySQL from 5.7.8, and max_statement_time
    (seconds) in MariaDB, which ignores MySQL's hint as a comment. Other statements, such as SHOW, are limited by the
    lock wait timeouts.
    """
    own = f"{_transaction(version)}_read_only=1"
    if not version.is_mariadb and version.at_least(8, 0, 3):
        # information_schema.TABLES then reads the present statistics of a table, and not those of up to a day ago.
        own += ", information_schema_stats_expiry=0"
    return _set(_common(version, timeout, max(1, min(LOCK_WAIT, int(timeout)))), own)


def changer_settings(version: ServerVersion, timeout: Seconds) -> str:
    """Returns the statement that sets up a changer's session.

    In MariaDB the server stops a change after `timeout` seconds, as the client does then.
    """
    return _set(_common(version, timeout, LOCK_WAIT), f"wait_timeout={LONGEST_IDLE}")


def _common(version: ServerVersion, timeout: Seconds, lock_wait: int) -> str:
    limit = f"max_statement_time={timeout:g}" if version.is_mariadb else f"max_execution_time={_milliseconds(timeout)}"
    return ", ".join(
        (
            "autocommit=1",
            "time_zone='SYSTEM'",
            "sql_mode=''",
            f"{_transaction(version)}_isolation='READ-COMMITTED'",
            # By variables, since SET NAMES is a statement of its own.
            "character_set_client=utf8mb4, character_set_connection=utf8mb4, character_set_results=utf8mb4",
            "sql_big_selects=1",
            f"sql_select_limit={MOST_ROWS}",
            f"lock_wait_timeout={lock_wait}, innodb_lock_wait_timeout={lock_wait}",
            limit,
        )
    )


def _set(common: str, own: str) -> str:
    return f"SET SESSION {common}, {own}"


def _milliseconds(timeout: Seconds) -> int:
    return max(1, int(timeout * 1000))


def _transaction(version: ServerVersion) -> str:
    """Returns how the variables of transactions begin: MySQL renamed them in 5.7.20, MariaDB in 11.1 with an alias."""
    return "tx" if version.is_mariadb or not version.at_least(5, 7, 20) else "transaction"
