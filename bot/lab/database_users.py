"""The database users of the lab and their GRANTs, per flavour; Firstmate's users have the minimum that they need.

The documented GRANTs for a real fleet come from `statements`, and the lab creates its users from the same table. Each
privilege was tested on the lab's own servers (MySQL 9.7, MariaDB 10.11). MySQL requires SERVICE_CONNECTION_ADMIN for
connections to admin_port, which accepts them when all others are taken; MariaDB's extra_port requires no privilege.
MariaDB requires SLAVE MONITOR for SHOW REPLICA STATUS.
"""

from __future__ import annotations

from typing import Literal

Flavour = Literal["mysql", "mariadb"]

READER = "firstmate_reader"
CHANGER = "firstmate_changer"

FIRSTMATE: dict[Flavour, dict[str, tuple[str, ...]]] = {
    "mysql": {
        READER: (
            "GRANT PROCESS, REPLICATION CLIENT, REFERENCES, SERVICE_CONNECTION_ADMIN, XA_RECOVER_ADMIN ON *.*",
            "GRANT SELECT ON performance_schema.*",
            "GRANT SELECT ON mysql.innodb_table_stats",
        ),
        CHANGER: (
            "GRANT PROCESS, REPLICATION CLIENT, SERVICE_CONNECTION_ADMIN, REPLICATION_SLAVE_ADMIN,"
            " CONNECTION_ADMIN, SYSTEM_VARIABLES_ADMIN, BINLOG_ADMIN ON *.*",
            "GRANT SELECT ON performance_schema.*",
        ),
    },
    "mariadb": {
        READER: (
            "GRANT PROCESS, REFERENCES, SLAVE MONITOR, BINLOG MONITOR ON *.*",
            "GRANT SELECT ON performance_schema.*",
            "GRANT SELECT ON mysql.innodb_table_stats",
        ),
        # MariaDB requires SUPER for global variables that no finer privilege covers.
        CHANGER: (
            "GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR, REPLICATION SLAVE ADMIN, CONNECTION ADMIN, BINLOG ADMIN,"
            " READ_ONLY ADMIN, SUPER ON *.*",
            "GRANT SELECT ON performance_schema.*",
        ),
    },
}

LAB: dict[Flavour, dict[str, tuple[str, ...]]] = {
    "mysql": {
        "admin": ("GRANT ALL PRIVILEGES ON *.* WITH GRANT OPTION",),
        "replication": ("GRANT REPLICATION SLAVE ON *.*",),
        "exporter": (
            "GRANT PROCESS, REPLICATION CLIENT, SERVICE_CONNECTION_ADMIN ON *.*",
            "GRANT SELECT ON performance_schema.*",
        ),
        "app": ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES ON shop.*",),
        "deploy": ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON shop.*",),
        "reports": ("GRANT SELECT ON shop.*",),
        "backup": ("GRANT SELECT, LOCK TABLES, PROCESS, RELOAD ON *.*",),
    },
    "mariadb": {
        "admin": ("GRANT ALL PRIVILEGES ON *.* WITH GRANT OPTION",),
        "replication": ("GRANT REPLICATION SLAVE ON *.*",),
        "exporter": (
            "GRANT PROCESS, SLAVE MONITOR, BINLOG MONITOR ON *.*",
            "GRANT SELECT ON performance_schema.*",
        ),
        "app": ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE TEMPORARY TABLES ON shop.*",),
        "deploy": ("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON shop.*",),
        "reports": ("GRANT SELECT ON shop.*",),
        "backup": ("GRANT SELECT, LOCK TABLES, PROCESS, RELOAD ON *.*",),
    },
}

USERS = (*LAB["mysql"], READER, CHANGER)


def statements(flavour: Flavour, user: str, password: str) -> list[str]:
    """Returns the statements that create the user and grant its privileges; the password must be alphanumeric."""
    if not password.isalnum():
        raise ValueError("the password of a lab user must be alphanumeric")
    grants = {**LAB[flavour], **FIRSTMATE[flavour]}[user]
    created = f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'"
    return [created, *(_granted(grant, user) for grant in grants)]


def _granted(grant: str, user: str) -> str:
    privileges, option, rest = grant.partition(" WITH GRANT OPTION")
    return f"{privileges} TO '{user}'@'%'{option}{rest}"
