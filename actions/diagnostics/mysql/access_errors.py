"""Which logins and statements are refused now, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actions.contract import Cost, Count, Flavour, MySQL, Row, Seconds, diagnostic
from actions.sql_quoting import placeholders
from actions.status_counters import number, status

AccessErrorKind: TypeAlias = Literal[
    "login", "host", "limit", "full", "tls", "handshake", "privilege", "read_only", "aborted"
]
WATCHED: Mapping[int, tuple[AccessErrorKind, str]] = {
    1040: ("full", "all connections are in use"),
    1043: ("handshake", "the client ended the login"),
    1044: ("privilege", "no right on the database"),
    1045: ("login", "wrong password, or no such user"),
    1095: ("privilege", "may not kill the session of another"),
    1129: ("host", "host blocked after too many errors"),
    1130: ("host", "no user for this host"),
    1142: ("privilege", "no right on the table"),
    1143: ("privilege", "no right on the column"),
    1153: ("aborted", "a packet above max_allowed_packet"),
    1158: ("aborted", "the connection broke while the server read"),
    1159: ("aborted", "the client sent nothing in time"),
    1160: ("aborted", "the connection broke while the server wrote"),
    1161: ("aborted", "the client took nothing in time"),
    1203: ("limit", "over max_user_connections"),
    1226: ("limit", "over a limit of the account"),
    1227: ("privilege", "a privilege is missing"),
    1290: ("read_only", "the server is read-only"),
    1370: ("privilege", "no right on the routine"),
    1698: ("login", "wrong means of logging in"),
    1820: ("login", "the password must be changed first"),
    1836: ("read_only", "the server is read-only"),
    1862: ("login", "the password has expired"),
    3118: ("login", "the account is locked"),
    3159: ("tls", "the server requires TLS"),
    3955: ("login", "locked after too many wrong passwords"),
    4031: ("aborted", "the session was idle for wait_timeout"),
    4151: ("login", "the account is locked"),
}
"""Access errors by number, with their kind and meaning."""
REFUSE_LOGINS: frozenset[AccessErrorKind] = frozenset({"login", "host", "limit", "tls", "handshake"})
"""Kinds of errors with which a login is refused, without `full`: that passes with the peak."""
RECENT: Seconds = 60.0
"""An error counts as current for so long: alerts are evaluated, and runs begin, some time after it."""
EARLIER: Seconds = 600.0
"""Older errors are not read."""
SAMPLE: Seconds = 1.0
MOST_NUMBERS = 6
"""Error numbers for which the accounts are read: each is a look-up by account, and a scan would read every error of
every account."""
ON_THE_SERVER = """
SELECT ERROR_NUMBER AS errno, SUM_ERROR_RAISED AS raised, TIMESTAMPDIFF(SECOND, LAST_SEEN, NOW()) AS age
  FROM performance_schema.events_errors_summary_global_by_error
 WHERE SUM_ERROR_RAISED > 0 AND ERROR_NUMBER IN ({listed})
"""
BY_ACCOUNT = """
SELECT COALESCE(e.USER, '') AS user, COALESCE(e.HOST, '') AS host, e.ERROR_NUMBER AS errno,
       e.SUM_ERROR_RAISED AS raised, TIMESTAMPDIFF(SECOND, e.LAST_SEEN, NOW()) AS age
  FROM performance_schema.accounts AS a
  STRAIGHT_JOIN performance_schema.events_errors_summary_by_account_by_error AS e
    ON e.USER <=> a.USER AND e.HOST <=> a.HOST AND e.ERROR_NUMBER = %s
 WHERE e.SUM_ERROR_RAISED > 0 AND e.LAST_SEEN > NOW() - INTERVAL 600 SECOND
 ORDER BY e.LAST_SEEN DESC, e.SUM_ERROR_RAISED DESC LIMIT 10
"""
HOSTS = """
SELECT COALESCE(HOST, IP) AS host, COUNT_AUTHENTICATION_ERRORS AS refused,
       SUM_CONNECT_ERRORS >= @@GLOBAL.max_connect_errors AS blocked,
       COUNT_MAX_USER_CONNECTIONS_ERRORS + COUNT_MAX_USER_CONNECTIONS_PER_HOUR_ERRORS AS over_limit,
       COUNT_SSL_ERRORS AS tls, TIMESTAMPDIFF(SECOND, LAST_ERROR_SEEN, NOW()) AS age
  FROM performance_schema.host_cache
 WHERE LAST_ERROR_SEEN > NOW() - INTERVAL 600 SECOND OR SUM_CONNECT_ERRORS >= @@GLOBAL.max_connect_errors
 ORDER BY 3 DESC, LAST_ERROR_SEEN DESC LIMIT 10
"""
COUNTERS = (
    "Aborted_connects",
    "Access_denied_errors",
    "Aborted_clients",
    "Connection_errors_max_connections",
    "Ssl_accepts",
    "Ssl_finished_accepts",
)


@dataclass(frozen=True, slots=True)
class AccessError:
    """An access error of one account."""

    user: str
    """The user; '' if the server does not record it, as for most failed logins."""
    host: str
    """The client's host."""
    errno: int
    """The error number."""
    kind: AccessErrorKind
    """What is refused, or for what: logins, this host, a limit, or what a statement needs."""
    says: str
    """What the number means."""
    raised: Count
    """How often it occurred since the server started."""
    age: Seconds
    """Time since it last occurred."""
    new: Count = 0
    """How often the error occurred during the sample, for any account; 0 if this account was not among them."""

    @property
    def who(self) -> str:
        """The account, or `an account` if the server does not record it."""
        return (self.user + (f"@{self.host}" if self.host else "")) or "an account"

    @property
    def current(self) -> bool:
        """Whether it occurs now: during the sample, or in the minute before."""
        return self.new > 0 or self.age <= RECENT


@dataclass(frozen=True, slots=True)
class RefusedHost:
    """A host with failed logins, from the host cache."""

    host: str
    refused: Count
    """Failed authentications since the host entered the cache."""
    blocked: bool
    """Whether the server refuses the host now, since it reached max_connect_errors."""
    over_limit: Count = 0
    """Logins refused because of a limit of the account."""
    tls: Count = 0
    """Failed TLS handshakes."""
    age: Seconds = 0.0
    """Time since its last error."""


@dataclass(frozen=True, slots=True)
class AccessErrors:
    """Access errors: those that occur now first, the most frequent of them at the top."""

    known: bool = False
    """False if the server keeps no errors by account: MariaDB, MySQL before 8.0, and without performance_schema."""
    errors: tuple[AccessError, ...] = ()
    """The errors by account that occurred during the sample or in the minute before it, the most frequent of the sample
    first; without those that clients cause by leaving (kind `aborted`)."""
    aborted: tuple[AccessError, ...] = ()
    """The errors of kind `aborted` of the same time."""
    earlier: tuple[AccessError, ...] = ()
    """Those of the ten minutes before, without those of kind `aborted`, the latest first."""
    hosts: tuple[RefusedHost, ...] = ()
    """Blocked hosts, and hosts with failed logins in the last ten minutes; 10 at most, and none if names are not
    resolved (skip_name_resolve)."""
    aborted_connects: Count = 0
    """Failed logins since the server started, for any reason (Aborted_connects)."""
    denied: Count = 0
    """Logins and statements denied since the server started (Access_denied_errors, MariaDB only)."""
    aborted_clients: Count = 0
    """Sessions since the server started whose clients did not end them properly (Aborted_clients)."""
    new: Count = 0
    """Failed logins during the one-second sample."""
    new_denied: Count = 0
    """Logins and statements denied during the sample (MariaDB only)."""
    new_aborted: Count = 0
    """Sessions that ended improperly during the sample."""
    new_full: Count = 0
    """Connections refused during the sample because all were in use; MariaDB does not count most of them."""
    tls_failed: Count = 0
    """TLS handshakes that began during the sample and were not completed."""

    @property
    def refused_logins(self) -> tuple[AccessError, ...]:
        """Those of `errors` that refuse a login for another reason than the limit of the whole server."""
        return tuple(each for each in self.errors if each.kind in REFUSE_LOGINS)


@diagnostic(
    cost=Cost.LOW,
    needs={
        Flavour.MYSQL: ("SELECT ON performance_schema.*",),
        Flavour.MARIADB: ("SELECT ON performance_schema.*",),
    },
)
def access_errors(db: MySQL) -> AccessErrors:
    """Samples counters and errors twice, a second apart, and reads the accounts of the errors that rise or are recent.

    Counters since the start tell nothing about now: a limit that is exceeded 20 times a second is less than what an
    application was denied last month. Source: MySQL manual, "Error Summary Tables".
    """
    known = not db.version.is_mariadb and db.version.at_least(8, 0, 0) and db.version.performance_schema
    before = _on_the_server(db) if known else {}
    counters_before = status(db, *COUNTERS)
    db.pause(SAMPLE)
    counters = status(db, *COUNTERS)
    after = _on_the_server(db) if known else {}
    found = sorted(_by_account(db, before, after), key=lambda each: (-each.new, each.age, -each.raised))
    now = [each for each in found if each.current]
    grown = {name: number(counters, name) - number(counters_before, name) for name in COUNTERS}
    return AccessErrors(
        known=known,
        errors=tuple(_refused(now))[:20],
        aborted=tuple(each for each in now if each.kind == "aborted")[:20],
        earlier=tuple(sorted(_refused(each for each in found if not each.current), key=lambda each: each.age))[:20],
        hosts=_hosts(db),
        aborted_connects=number(counters, "Aborted_connects"),
        denied=number(counters, "Access_denied_errors"),
        aborted_clients=number(counters, "Aborted_clients"),
        new=grown["Aborted_connects"],
        new_denied=grown["Access_denied_errors"],
        new_aborted=grown["Aborted_clients"],
        new_full=grown["Connection_errors_max_connections"],
        tls_failed=max(0, grown["Ssl_accepts"] - grown["Ssl_finished_accepts"]),
    )


def _refused(errors: Iterable[AccessError]) -> Iterator[AccessError]:
    return (each for each in errors if each.kind != "aborted")


def _on_the_server(db: MySQL) -> Mapping[int, Row]:
    rows = db.rows(ON_THE_SERVER.format(listed=placeholders(WATCHED)), tuple(WATCHED))
    return {int(row["errno"]): row for row in rows}


def _by_account(db: MySQL, before: Mapping[int, Row], after: Mapping[int, Row]) -> list[AccessError]:
    new = {
        errno: int(row["raised"]) - int(before[errno]["raised"] if errno in before else 0)
        for errno, row in after.items()
    }
    recent = [errno for errno, row in after.items() if new[errno] or float(row["age"]) < EARLIER]
    found = []
    for errno in sorted(recent, key=lambda each: (-new[each], float(after[each]["age"])))[:MOST_NUMBERS]:
        kind, says = WATCHED[errno]
        for row in db.rows(BY_ACCOUNT, (errno,), limit=10):
            age = max(0.0, float(row["age"]))
            risen = new[errno] if age <= SAMPLE + 1 else 0
            who = (str(row["user"]), str(row["host"]))
            found.append(AccessError(*who, errno, kind, says, int(row["raised"]), age, risen))
    return found


def _hosts(db: MySQL) -> tuple[RefusedHost, ...]:
    return tuple(
        RefusedHost(
            host=str(row["host"]),
            refused=int(row["refused"]),
            blocked=bool(row["blocked"]),
            over_limit=int(row["over_limit"]),
            tls=int(row["tls"]),
            age=max(0.0, float(row["age"] or 0)),
        )
        for row in db.rows(HOSTS, limit=10)
    )
