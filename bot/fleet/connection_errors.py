"""What a failed connection or statement means, in a sentence: what happened, where, and what to do next. Pure."""

from __future__ import annotations

from typing import Any

FULL = 1040
"""Too many connections: the server is up."""
CUT_OFF = (2006, 2013)
NO_TLS = 2026
OF_THE_CLIENT = range(2000, 2100)
"""Error numbers that a client gives itself, and no server sends (MySQL manual, "Client Error Message Reference")."""
_DENIED = (1044, 1142, 1143, 1227, 1370)
_TOO_LONG = (1969, 3024)
_LOCKED = (1205, 3572)


def code_of(error: Exception) -> int:
    """The server's or the client's error number, or 0."""
    arguments: tuple[Any, ...] = error.args
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def connecting(error: Exception, host: str, port: int, user: str) -> str:
    """What was wrong with a connection; never the password."""
    code, text = code_of(error), text_of(error)
    where = f"{host}:{port}"
    if untrusted := _untrusted(code, text, where, user):
        return untrusted
    if code == 1045:
        return f"{where} refuses the user {user}: its password or its host is wrong. Mend the secret or the account."
    if code == FULL and "only connect locally" in text:
        # ProxySQL says so of the users with the names admin and stats, with the number for too many connections.
        return (
            f"{where} lets {user} in from its own host alone ({text}). Give ProxySQL a user of another name, in "
            "admin-stats_credentials or admin-admin_credentials."
        )
    if code == FULL:
        return (
            f"{where} is up but full (error 1040, too many connections), so {user} cannot look; it is not down. Set "
            "spare_port of the instance to its admin_port (MySQL) or extra_port (MariaDB), which is kept for this."
        )
    if code in (2002, 2003):
        return f"{where} does not accept connections ({text}). Look whether the host and its server are up."
    if code == 2005 or "Name or service not known" in text:
        return f"{where} is no host that can be found ({text}). Mend its name in the inventory."
    if code == 1129:
        return f"{where} has blocked this host after too many failed connections (error 1129). Run FLUSH HOSTS there."
    if code == 1130:
        return f"{where} does not let this host in (error 1130). Grant {user} access from here."
    if code in (1820, 1862):
        return f"{where}: the password of {user} has expired (error {code}). Set a new one, and the secret with it."
    if code == 3159:
        return f"{where} lets {user} in over TLS alone (error 3159). Configure TLS for it."
    if code in CUT_OFF:
        return f"{where} takes connections but does not answer ({text}). It is overloaded, stopped or not MySQL."
    return f"{where} cannot be used as {user}: {text} (error {code})."


def _untrusted(code: int, text: str, where: str, user: str) -> str:
    """What is wrong with the TLS of a server; '' where that is not it."""
    if code == NO_TLS:
        return f"{where} offers no TLS, and {user} goes over TLS alone, since its `ca` is set. Give the server TLS."
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return (
            f"{where} shows a certificate that is not trusted ({text}). It is another server, or its authority is not "
            f"the `ca` of {user}."
        )
    return ""


def asking(error: Exception, address: str, sql: str) -> str:
    """What was wrong with a statement."""
    code, text = code_of(error), text_of(error)
    asked = " ".join(sql.split())[:60]
    if code in _DENIED:
        return f"{address} denies it ({text}). Grant the privilege; asked was {asked!r}."
    if code in _TOO_LONG:
        return f"{address} took longer than allowed over {asked!r} and was stopped."
    if code in _LOCKED:
        return f"{address} could not get a lock in time over {asked!r}; nothing was done."
    if code in CUT_OFF:
        return f"{address} was cut off or did not answer in time over {asked!r}."
    return f"{address} answered error {code} over {asked!r}: {text}"


def text_of(error: Exception) -> str:
    """The words of an error, on one line."""
    return " ".join(str(error.args[-1] if error.args else type(error).__name__).split())[:200]
