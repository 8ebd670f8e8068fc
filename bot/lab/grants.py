"""The database users and their GRANTs, per flavour: those of Firstmate with the least that their work takes.

The README's list for a real fleet is made from `statements`, and the lab creates its users from the same table.
What each privilege is for was tried on the lab's own servers (MySQL 9.7, MariaDB 10.11): MySQL's
SERVICE_CONNECTION_ADMIN opens its admin_port, the way in when all connections are taken (MariaDB's extra_port asks for
no privilege), and MariaDB's SLAVE MONITOR is what SHOW REPLICA STATUS takes.
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
        ),
        # MariaDB asks for SUPER where no finer privilege covers a global variable.
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
    """Returns the statements that create the user with its rights; `password` is letters and digits only."""
    if not password.isalnum():
        raise ValueError("the password of a lab user is letters and digits only")
    grants = {**LAB[flavour], **FIRSTMATE[flavour]}[user]
    created = f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'"
    return [created, *(_granted(grant, user) for grant in grants)]


def _granted(grant: str, user: str) -> str:
    rights, option, rest = grant.partition(" WITH GRANT OPTION")
    return f"{rights} TO '{user}'@'%'{option}{rest}"
