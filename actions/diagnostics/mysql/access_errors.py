"""Which logins and statements are refused, and why."""

from __future__ import annotations

from dataclasses import dataclass

from actions.contract import Cost, Count, Flavour, MySQL, Seconds, diagnostic
from actions.sql_quoting import placeholders
from actions.status_counters import number, status

WATCHED = {
    1044: "no right on the database",
    1045: "wrong password, or no such user",
    1095: "may not kill the session of another",
    1129: "host blocked after too many errors",
    1130: "no user for this host",
    1142: "no right on the table",
    1143: "no right on the column",
    1226: "over a limit of the account",
    1227: "a privilege is missing",
    1290: "the server is read-only",
    1370: "no right on the routine",
    1698: "wrong means of logging in",
    1820: "the password must be changed first",
    1836: "the server is read-only",
    1862: "the password has expired",
    3118: "the account is locked",
    3955: "locked after too many wrong passwords",
    4151: "the account is locked",
}
"""Access errors by number, with their meaning."""
BY_ACCOUNT = """
SELECT COALESCE(USER, '') AS user, COALESCE(HOST, '') AS host, ERROR_NUMBER AS errno, SUM_ERROR_RAISED AS raised,
       TIMESTAMPDIFF(SECOND, LAST_SEEN, NOW()) AS age
  FROM performance_schema.events_errors_summary_by_account_by_error
 WHERE SUM_ERROR_RAISED > 0 AND LAST_SEEN > NOW() - INTERVAL 600 SECOND AND ERROR_NUMBER IN ({listed})
 ORDER BY SUM_ERROR_RAISED DESC LIMIT 20
"""
HOSTS = """
SELECT COALESCE(HOST, IP) AS host, COUNT_AUTHENTICATION_ERRORS AS refused, SUM_CONNECT_ERRORS AS errors,
       COUNT_HOST_BLOCKED_ERRORS AS blocked
  FROM performance_schema.host_cache
 WHERE COUNT_AUTHENTICATION_ERRORS > 0 OR SUM_CONNECT_ERRORS > 0
 ORDER BY 2 DESC LIMIT 10
"""


@dataclass(frozen=True, slots=True)
class AccessError:
    """An access error of one account."""

    user: str
    """The user; '' if the server does not record it, as for a failed login."""
    host: str
    """The client's host."""
    errno: int
    """The error number."""
    says: str
    """What the number means."""
    raised: Count
    """How often it occurred since the server started."""
    age: Seconds
    """Time since it last occurred."""


@dataclass(frozen=True, slots=True)
class RefusedHost:
    """A host with failed logins, from the host cache."""

    host: str
    refused: Count
    """Failed authentications since the host entered the cache."""
    blocked: Count
    """Connections rejected because the host was blocked."""


@dataclass(frozen=True, slots=True)
class AccessErrors:
    """Access errors of the last ten minutes, the most frequent first."""

    known: bool = False
    """False if the server keeps no errors by account: MariaDB, and MySQL before 8.0."""
    errors: tuple[AccessError, ...] = ()
    """The errors by account; 20 at most."""
    hosts: tuple[RefusedHost, ...] = ()
    """Hosts with failed logins; 10 at most."""
    aborted_connects: Count = 0
    """Failed logins since the server started, for any reason (Aborted_connects)."""
    denied: Count = 0
    """Logins and statements denied since the server started (Access_denied_errors, MariaDB only)."""
    new: Count = 0
    """Failed logins during the one-second sample."""


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def access_errors(db: MySQL) -> AccessErrors:
    """Reads errors by account and hosts with failed logins, and samples the counters twice, a second apart."""
    names = ("Aborted_connects", "Access_denied_errors")
    before = status(db, *names)
    known = not db.version.is_mariadb and db.version.at_least(8, 0, 0)
    rows = db.rows(BY_ACCOUNT.format(listed=placeholders(WATCHED)), tuple(WATCHED), limit=20) if known else []
    hosts = db.rows(HOSTS, limit=10)
    db.pause(1.0)
    after = status(db, *names)
    return AccessErrors(
        known=known,
        errors=tuple(
            AccessError(
                user=str(r["user"]),
                host=str(r["host"]),
                errno=int(r["errno"]),
                says=WATCHED[int(r["errno"])],
                raised=int(r["raised"]),
                age=float(r["age"]),
            )
            for r in rows
        ),
        hosts=tuple(RefusedHost(str(r["host"]), int(r["refused"]), int(r["blocked"])) for r in hosts),
        aborted_connects=number(after, names[0]),
        denied=number(after, names[1]),
        new=number(after, names[0]) - number(before, names[0]),
    )
