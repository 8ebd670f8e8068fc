"""Explains a failed connection or statement in a sentence: what happened, where, and what to do next. Pure."""

from __future__ import annotations

from typing import Any

FULL = 1040
"""ER_CON_COUNT_ERROR, too many connections: the server is up."""
OFFLINE = 3032
"""ER_SERVER_OFFLINE_MODE: offline_mode is on, so only users with CONNECTION_ADMIN (SUPER in MySQL 5.7) may connect."""
CUT_OFF = (2006, 2013)
NO_TLS = 2026
PUBLIC_KEY = 2061
"""CR_AUTH_PLUGIN_ERR: caching_sha2_password needs TLS, or the public key of the server."""
OF_THE_CLIENT = range(2000, 2100)
"""Error numbers of the client, which no server sends (MySQL manual, "Client Error Message Reference")."""
_DENIED = (1044, 1142, 1143, 1227, 1370)
_TOO_LONG = (1969, 3024)
_LOCKED = (1205, 3572)


def code_of(error: Exception) -> int:
    """Returns the error number of the server or the client, or 0."""
    arguments: tuple[Any, ...] = error.args
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def connecting(error: Exception, host: str, port: int, user: str) -> str:
    """Explains why a connection failed; the sentence never contains the password."""
    code, text = code_of(error), text_of(error)
    where = f"{host}:{port}"
    if told := _untrusted(code, text, where, user) or _shut(code, where, user):
        return told
    if code == 1045:
        return (
            f"{where} refuses the user {user}: wrong password, no account for this client host, or an account with "
            "REQUIRE SSL on a server without TLS. Correct the secret or the account."
        )
    if code == FULL and "only connect locally" in text:
        # ProxySQL uses the number of "too many connections" for remote logins of its users admin and stats.
        return (
            f"{where} allows {user} to log in only from its own host ({text}). Use a user with another name in "
            "admin-stats_credentials or admin-admin_credentials."
        )
    if code == FULL:
        return (
            f"{where} is up, but all of its connections are in use (error 1040), so {user} cannot log in. Free "
            "a connection. To let Firstmate in next time, set `spare_port` of the instance to its admin_port (MySQL, "
            "with admin_address set) or extra_port (MariaDB)."
        )
    if code in (2002, 2003):
        return f"{where} does not accept connections ({text}). Check that the host and the server are up."
    if code == 2005 or "Name or service not known" in text:
        return f"The host of {where} cannot be resolved ({text}). Correct `host` in the inventory."
    if code in (1820, 1862):
        return (
            f"The password of {user} on {where} has expired (error {code}). Set a new password and update the secret."
        )
    if code == 3159:
        return f"{where} requires TLS (error 3159), but {user} connected without it. Set `ca` of the user."
    if code in CUT_OFF:
        return f"{where} takes connections but does not answer ({text}). It is overloaded, suspended or not MySQL."
    return f"{where} cannot be used as {user}: {text} (error {code})."


def _untrusted(code: int, text: str, where: str, user: str) -> str:
    """Explains a TLS error; '' for other errors."""
    if code == NO_TLS:
        return f"{where} offers no TLS, but `ca` of {user} requires it. Enable TLS on the server, or remove `ca`."
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"{where} presented a certificate that is not trusted ({text}). Check that it is the right server and "
            f"that `ca` of {user} is the authority of its certificate."
        )
    if "[SSL" in text:  # PyMySQL gives a failed handshake the number 2003
        return (
            f"The TLS handshake with {where} failed ({text}); the server is up. Compare its tls_version with what this "
            "host allows, and check its certificate."
        )
    if code == PUBLIC_KEY:
        return (
            f"{where} authenticates {user} only over TLS or with its public key (error {PUBLIC_KEY}). Enable TLS on "
            "the server, and set `ca` of the user."
        )
    return ""


def _shut(code: int, where: str, user: str) -> str:
    """Explains why a server that is up lets in no client of this host, or none at all; '' for other errors."""
    if code == OFFLINE:
        return (
            f"{where} is up, but in offline mode (error {OFFLINE}): only users with CONNECTION_ADMIN can connect, and "
            f"{user} is not one. Find out who set offline_mode, and why; SET GLOBAL offline_mode = OFF lets clients in."
        )
    if code == 1129:
        return (
            f"{where} has blocked this host after too many failed connections (error 1129). On MySQL, run TRUNCATE "
            "TABLE performance_schema.host_cache; on MariaDB, or without performance_schema, run FLUSH HOSTS."
        )
    if code == 1130:
        return f"{where} does not allow connections from this host (error 1130). Grant {user} access from it."
    return ""


def asking(error: Exception, address: str, sql: str) -> str:
    """Explains why a statement failed."""
    code, text = code_of(error), text_of(error)
    statement = " ".join(sql.split())[:60]
    if code in _DENIED:
        return f"{address} denies {statement!r}: {text}. Grant the missing privilege."
    if code in _TOO_LONG:
        return f"{address} stopped {statement!r} because it exceeded its time limit. Check the load of the server."
    if code == OFFLINE:
        return (
            f"{address} was set to offline mode during {statement!r} (error {OFFLINE}), which ends all other sessions."
        )
    if code in _LOCKED:
        return f"{address} could not get a lock for {statement!r} in time; nothing was done."
    if code in CUT_OFF:
        return (
            f"{address} closed the connection or did not answer in time for {statement!r}. Check that the server is "
            "up, and its load."
        )
    return f"{address} returned error {code} for {statement!r}: {text}"


def text_of(error: Exception) -> str:
    """Returns the message of an error on one line."""
    return " ".join(str(error.args[-1] if error.args else type(error).__name__).split())[:200]
