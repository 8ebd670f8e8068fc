"""What the server recently wrote to its error log."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.sql_quoting import placeholders
from actions.statement_redaction import redact_error

CRASHED = ("MY-012551", "MY-010229", "MY-013183", "MY-010232")
"""Not shut down normally; starting XA crash recovery; an assertion failed; XA crash recovery finished."""
FULL_DISK = ("MY-012820", "MY-012644", "MY-010907", "MY-012814")
READ = """
SELECT LOGGED AS at, PRIO AS severity, ERROR_CODE AS code, SUBSYSTEM AS subsystem, LEFT(DATA, 300) AS says,
       TIMESTAMPDIFF(SECOND, LOGGED, NOW()) AS age
  FROM performance_schema.error_log
 WHERE LOGGED > NOW() - INTERVAL %s SECOND AND (PRIO = 'Error' OR PRIO = 'Warning' OR ERROR_CODE IN ({codes}))
 ORDER BY LOGGED DESC LIMIT 20
"""
TOLD = """
SELECT COALESCE(SUM(PRIO = 'Error'), 0) AS errors, COALESCE(SUM(ERROR_CODE IN ({crashed})), 0) AS crashed,
       COALESCE(SUM(ERROR_CODE IN ({full}) OR DATA LIKE '%%No space left%%'), 0) AS disk_full
  FROM performance_schema.error_log WHERE LOGGED > NOW() - INTERVAL %s SECOND
"""
"""What the whole log says; it may have more entries than are read."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the log."""

    at: str
    """When it was written, in the server's time zone."""
    age: Seconds
    """Time since it was written."""
    severity: str
    """Error, Warning or System."""
    code: str
    """The error code, such as MY-010229."""
    says: str
    """The message, without the values that it quotes."""


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """The recent warnings and errors, the newest first."""

    known: bool = False
    """False if the server does not expose its log: MariaDB, MySQL before 8.0.22, and without
    performance_schema."""
    entries: tuple[LogEntry, ...] = ()
    """The entries; 20 at most."""
    errors: Count = 0
    """Entries of severity Error."""
    crashed: bool = False
    """Whether the log says that the server recovered from a crash."""
    disk_full: bool = False
    """Whether the log says that a disk is full."""


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: ("SELECT ON performance_schema.*",), Flavour.MARIADB: ()})
def error_log(db: MySQL, *, since: Seconds = 900.0) -> ErrorLog:
    """Reads the entries of the last `since` seconds from performance_schema.error_log (MySQL 8.0.22 and later).

    After a restart the table holds only the new file.
    """
    if db.version.is_mariadb or not db.version.at_least(8, 0, 22) or not db.version.performance_schema:
        return ErrorLog()
    codes = (*CRASHED, *FULL_DISK)
    rows = db.rows(READ.format(codes=placeholders(codes)), (since, *codes), limit=20)
    told = db.rows(TOLD.format(crashed=placeholders(CRASHED), full=placeholders(FULL_DISK)), (*codes, since))[0]
    return ErrorLog(
        known=True,
        entries=tuple(
            LogEntry(str(r["at"])[:19], float(r["age"]), str(r["severity"]), str(r["code"]), redact_error(r["says"]))
            for r in rows
        ),
        errors=int(told["errors"]),
        crashed=int(told["crashed"]) > 0,
        disk_full=int(told["disk_full"]) > 0,
    )
