"""The output of SHOW GRANTS for Firstmate's two users with all needed privileges, by server version.

That of MySQL 9.7 and MariaDB 10.11 and 11.8 was recorded in the lab; the others follow the format of their version.
"""

from __future__ import annotations

from actions.contract import Flavour, ServerVersion

READER, CHANGER = "firstmate_reader@10.0.0.%", "firstmate_changer@10.0.0.%"

MYSQL_57 = ServerVersion(Flavour.MYSQL, (5, 7, 44))
MYSQL_80_13 = ServerVersion(Flavour.MYSQL, (8, 0, 13))
MYSQL_80 = ServerVersion(Flavour.MYSQL, (8, 0, 40))
MYSQL_84 = ServerVersion(Flavour.MYSQL, (8, 4, 6))
MYSQL_97 = ServerVersion(Flavour.MYSQL, (9, 7, 4))
MARIADB_104 = ServerVersion(Flavour.MARIADB, (10, 4, 34))
MARIADB_106 = ServerVersion(Flavour.MARIADB, (10, 6, 21))
MARIADB_1011 = ServerVersion(Flavour.MARIADB, (10, 11, 18))
MARIADB_118 = ServerVersion(Flavour.MARIADB, (11, 8, 9))

_MYSQL_READER = (
    "GRANT PROCESS, REFERENCES, REPLICATION CLIENT ON *.* TO `firstmate_reader`@`10.0.0.%`",
    "GRANT SERVICE_CONNECTION_ADMIN,XA_RECOVER_ADMIN ON *.* TO `firstmate_reader`@`10.0.0.%`",
    "GRANT SELECT ON `performance_schema`.* TO `firstmate_reader`@`10.0.0.%`",
    "GRANT SELECT ON `mysql`.`innodb_table_stats` TO `firstmate_reader`@`10.0.0.%`",
)
_MYSQL_CHANGER = (
    "GRANT PROCESS, REPLICATION CLIENT ON *.* TO `firstmate_changer`@`10.0.0.%`",
    "GRANT BINLOG_ADMIN,CONNECTION_ADMIN,REPLICATION_SLAVE_ADMIN,SERVICE_CONNECTION_ADMIN,SYSTEM_VARIABLES_ADMIN"
    " ON *.* TO `firstmate_changer`@`10.0.0.%`",
    "GRANT SELECT ON `performance_schema`.* TO `firstmate_changer`@`10.0.0.%`",
)
HASH = "*A37BC24F27C8FD7D330893A2AD15C5144D8BB99E"
_MARIADB_READER = (
    "GRANT PROCESS, REFERENCES, BINLOG MONITOR, SLAVE MONITOR ON *.* TO `firstmate_reader`@`10.0.0.%`"
    f" IDENTIFIED BY PASSWORD '{HASH}'",
    "GRANT SELECT ON `performance_schema`.* TO `firstmate_reader`@`10.0.0.%`",
    "GRANT SELECT ON `mysql`.`innodb_table_stats` TO `firstmate_reader`@`10.0.0.%`",
)
_MARIADB_CHANGER = (
    "GRANT PROCESS, SUPER, BINLOG MONITOR, CONNECTION ADMIN, READ_ONLY ADMIN, REPLICATION SLAVE ADMIN, BINLOG ADMIN,"
    f" SLAVE MONITOR ON *.* TO `firstmate_changer`@`10.0.0.%` IDENTIFIED BY PASSWORD '{HASH}' REQUIRE SSL",
    "GRANT SELECT ON `performance_schema`.* TO `firstmate_changer`@`10.0.0.%`",
)

USERS: dict[ServerVersion, tuple[tuple[str, ...], tuple[str, ...]]] = {
    MYSQL_57: (
        (
            "GRANT PROCESS, REFERENCES, REPLICATION CLIENT ON *.* TO 'firstmate_reader'@'10.0.0.%'",
            "GRANT SELECT ON `performance_schema`.* TO 'firstmate_reader'@'10.0.0.%'",
            "GRANT SELECT ON `mysql`.`innodb_table_stats` TO 'firstmate_reader'@'10.0.0.%'",
            "GRANT SELECT ON `mysql`.`innodb_table_stats` TO 'firstmate_reader'@'10.0.0.%'",
        ),
        (
            "GRANT PROCESS, SUPER, REPLICATION CLIENT ON *.* TO 'firstmate_changer'@'10.0.0.%'",
            "GRANT SELECT ON `performance_schema`.* TO 'firstmate_changer'@'10.0.0.%'",
        ),
    ),
    MYSQL_80: (_MYSQL_READER, _MYSQL_CHANGER),
    MYSQL_84: (_MYSQL_READER, _MYSQL_CHANGER),
    MYSQL_97: (_MYSQL_READER, _MYSQL_CHANGER),
    MARIADB_104: (
        (
            "GRANT PROCESS, REFERENCES, REPLICATION CLIENT ON *.* TO 'firstmate_reader'@'10.0.0.%'"
            f" IDENTIFIED BY PASSWORD '{HASH}'",
            "GRANT SELECT ON `performance_schema`.* TO 'firstmate_reader'@'10.0.0.%'",
            "GRANT SELECT ON `mysql`.`innodb_table_stats` TO 'firstmate_reader'@'10.0.0.%'",
            "GRANT SELECT ON `mysql`.`innodb_table_stats` TO 'firstmate_reader'@'10.0.0.%'",
        ),
        (
            "GRANT PROCESS, SUPER, REPLICATION CLIENT ON *.* TO 'firstmate_changer'@'10.0.0.%'"
            f" IDENTIFIED BY PASSWORD '{HASH}'",
            "GRANT SELECT ON `performance_schema`.* TO 'firstmate_changer'@'10.0.0.%'",
        ),
    ),
    MARIADB_106: (_MARIADB_READER, _MARIADB_CHANGER),
    MARIADB_1011: (_MARIADB_READER, _MARIADB_CHANGER),
    MARIADB_118: (_MARIADB_READER, _MARIADB_CHANGER),
}
"""Version -> what the reader and the changer hold."""

MYSQL_ADMINISTRATOR = (
    "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, SHUTDOWN, PROCESS, FILE, REFERENCES, INDEX, ALTER,"
    " SHOW DATABASES, SUPER, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT,"
    " CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE TABLESPACE,"
    " CREATE ROLE, DROP ROLE ON *.* TO `firstmate_reader`@`10.0.0.%` WITH GRANT OPTION",
    "GRANT AUDIT_ADMIN,BINLOG_ADMIN,CONNECTION_ADMIN,REPLICATION_SLAVE_ADMIN,SERVICE_CONNECTION_ADMIN,SYSTEM_USER,"
    "SYSTEM_VARIABLES_ADMIN,XA_RECOVER_ADMIN ON *.* TO `firstmate_reader`@`10.0.0.%` WITH GRANT OPTION",
    "GRANT PROXY ON ``@`` TO `firstmate_reader`@`10.0.0.%` WITH GRANT OPTION",
)
"""GRANT ALL of MySQL 9.7, shortened by some of the dynamic privileges."""
