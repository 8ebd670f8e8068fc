"""Differences between server versions that more than one action needs, decided from the server's own version."""

from __future__ import annotations

from actions.contract import ServerVersion


def processlist(version: ServerVersion) -> str:
    """Returns the process list that takes no global mutex if the server has it (performance_schema.processlist since
    MySQL 8.0.22), else information_schema.PROCESSLIST: also without performance_schema, whose process list is empty
    then."""
    if not version.is_mariadb and version.at_least(8, 0, 22) and version.performance_schema:
        return "performance_schema.processlist"
    return "information_schema.PROCESSLIST"


def replica(version: ServerVersion) -> str:
    """Returns the word for a replica in statements: REPLICA since MySQL 8.0.22 and MariaDB 10.5.1, SLAVE before.

    SHOW SLAVE STATUS is a syntax error since MySQL 8.4.
    """
    new = version.at_least(10, 5, 1) if version.is_mariadb else version.at_least(8, 0, 22)
    return "REPLICA" if new else "SLAVE"
