"""SHOW REPLICA STATUS under the names of each version, and the sessions that read a server's binary log."""

from __future__ import annotations

from typing import Any

from actions.contract import MySQL, Row
from actions.server_versions import processlist, replica


def replica_status_rows(db: MySQL, limit: int) -> list[Row]:
    """Returns a row for each channel; MariaDB shows only the default connection without ALL."""
    every = f"ALL {replica(db.version)}S" if db.version.is_mariadb else replica(db.version)
    return db.rows(f"SHOW {every} STATUS", limit=limit)


def column(row: Row, new: str, old: str) -> Any:  # noqa: ANN401 - as the driver gives it
    """Returns a value by its name since MySQL 8.0.22, or else by its older name, which MariaDB keeps."""
    return row[new] if new in row else row.get(old)


def channel_of(row: Row) -> str:
    """Returns the channel of a row, which MariaDB calls a connection; '' for the default one."""
    return str(row.get("Channel_Name") or row.get("Connection_name") or "")


def binlog_readers(db: MySQL) -> int:
    """Returns the number of sessions that read the server's binary log."""
    dumps = db.rows(f"SELECT COUNT(*) AS dumps FROM {processlist(db.version)} WHERE COMMAND LIKE 'Binlog Dump%'")
    return int(dumps[0]["dumps"]) if dumps else 0
