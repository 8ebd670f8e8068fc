"""Which privileges the actions need on a server of some version, and which of them an account holds. Pure.

An action declares what it needs in the words of MySQL 8.4 and MariaDB 11. What that is on older servers, and which
other privilege does as well, stands here. Seen on MySQL 9.7 and MariaDB 10.11 and 11.8; of older versions the manuals
say it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from actions.contract import Flavour, Grants, ServerVersion
from bot.privileges.grants import EVERYWHERE, Held, Scope

SPARE_PORT: Grants = {Flavour.MYSQL: ("SERVICE_CONNECTION_ADMIN",)}
"""What it takes to come in over the spare port: MySQL's admin_port; MariaDB's extra_port asks for nothing."""

_TABLES = "grant it on the tables that it is for"
BY_CHOICE: Mapping[str, str] = {
    "SELECT ON *.*": f"it would let the user read all data; {_TABLES}",
    "SELECT, INSERT ON *.*": f"it would let the user write data; {_TABLES}",
    "SELECT ON mysql.innodb_table_stats": "it is of use only with SELECT and INSERT on a table; grant it with them",
}
"""What is not granted unless somebody wants the action, with the reason: an application's data is not Firstmate's."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One privilege that is needed at one place."""

    name: str
    scope: Scope = EVERYWHERE

    def __str__(self) -> str:
        return self.name if self.scope == EVERYWHERE else f"{self.name} ON {self.scope}"


class State(StrEnum):
    """Whether an account may run an action."""

    MAY = "may"
    MISSING = "missing"
    BY_CHOICE = "by_choice"
    """It may not, and nothing is wrong: the privilege is one that is granted only by choice."""
    SOMEWHERE = "somewhere"
    """Such a privilege was granted on some databases or tables: there it may."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether an account may run one action."""

    action: str
    state: State
    missing: tuple[Right, ...] = ()
    by_choice: tuple[str, ...] = ()
    """The needs that are granted only by choice and are not held everywhere, as the action declares them."""
    where: tuple[Scope, ...] = ()
    """Where it may, in the state SOMEWHERE."""


@dataclass(frozen=True, slots=True)
class _Came:
    """When a privilege came, and what was asked for before; '' where nothing was."""

    since: tuple[int, int, int]
    before: str = ""


_CAME: Mapping[tuple[Flavour, str], _Came] = {
    (Flavour.MYSQL, "BINLOG_ADMIN"): _Came((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "CONNECTION_ADMIN"): _Came((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "REPLICATION_SLAVE_ADMIN"): _Came((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "SYSTEM_VARIABLES_ADMIN"): _Came((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "XA_RECOVER_ADMIN"): _Came((8, 0, 0)),
    # With it came the admin_port that it is for.
    (Flavour.MYSQL, "SERVICE_CONNECTION_ADMIN"): _Came((8, 0, 14)),
    (Flavour.MARIADB, "BINLOG MONITOR"): _Came((10, 5, 2), "REPLICATION CLIENT"),
    (Flavour.MARIADB, "SLAVE MONITOR"): _Came((10, 5, 2), "REPLICATION CLIENT"),
    (Flavour.MARIADB, "BINLOG ADMIN"): _Came((10, 5, 2), "SUPER"),
    (Flavour.MARIADB, "CONNECTION ADMIN"): _Came((10, 5, 2), "SUPER"),
    (Flavour.MARIADB, "READ_ONLY ADMIN"): _Came((10, 5, 2), "SUPER"),
    (Flavour.MARIADB, "REPLICATION SLAVE ADMIN"): _Came((10, 5, 2), "SUPER"),
}
_BY_SUPER: Mapping[Flavour, Mapping[str, tuple[int, ...]]] = {
    Flavour.MYSQL: dict.fromkeys(
        ("BINLOG_ADMIN", "CONNECTION_ADMIN", "REPLICATION CLIENT", "REPLICATION_SLAVE_ADMIN", "SYSTEM_VARIABLES_ADMIN"),
        (99,),
    ),
    Flavour.MARIADB: {
        **dict.fromkeys(
            ("BINLOG ADMIN", "BINLOG MONITOR", "CONNECTION ADMIN", "REPLICATION SLAVE ADMIN", "SLAVE MONITOR"), (11, 0)
        ),
        "READ_ONLY ADMIN": (10, 11),
    },
}
"""What SUPER does as well for, and the version from which on it does not."""


def rights(need: str, version: ServerVersion) -> tuple[Right, ...]:
    """What a need such as `SELECT, INSERT ON *.*` is on a server of this version; nothing where it asks for nothing."""
    names, _, place = need.partition(" ON ")
    database, _, table = (place or "*.*").partition(".")
    found = []
    for name in names.split(","):
        came = _CAME.get((version.flavour, name.strip()))
        asked = name.strip() if came is None or version.at_least(*came.since) else came.before
        if asked:
            found.append(Right(asked, Scope(database, table)))
    return tuple(found)


def doing(name: str, version: ServerVersion) -> frozenset[str]:
    """The privileges any of which does for `name`, itself among them."""
    until = _BY_SUPER[version.flavour].get(name)
    also = {"SUPER"} if until is not None and not version.at_least(*until) else set()
    if version.is_mariadb and name == "BINLOG MONITOR":
        also.add("REPLICATION CLIENT")  # its older word
    return frozenset({name, *also})


def holds(held: Held, right: Right, version: ServerVersion) -> bool:
    """Whether an account holds a right, by whatever privilege."""
    return held.has(doing(right.name, version), right.scope)


def permission(action: str, needs: Grants, held: Held, version: ServerVersion) -> Permission:
    """Whether an account may run an action on a server of this version, and what it lacks."""
    declared = needs.get(version.flavour, ())
    lacking = {
        need: tuple(right for right in rights(need, version) if not holds(held, right, version)) for need in declared
    }
    missing = {right for need, lacks in lacking.items() if need not in BY_CHOICE for right in lacks}
    chosen = tuple(need for need, lacks in lacking.items() if need in BY_CHOICE and lacks)
    if missing:
        return Permission(action, State.MISSING, tuple(sorted(missing)), chosen)
    if not chosen:
        return Permission(action, State.MAY)
    where = _somewhere(chosen, held, version)
    return Permission(action, State.SOMEWHERE if where else State.BY_CHOICE, (), chosen, where)


def needed(all_needs: tuple[Grants, ...], version: ServerVersion) -> tuple[Right, ...]:
    """Every right that some actions ask for on a server of this version, without those that are granted by choice."""
    found = {
        right
        for needs in all_needs
        for need in needs.get(version.flavour, ())
        if need not in BY_CHOICE
        for right in rights(need, version)
    }
    return tuple(sorted(found))


def _somewhere(chosen: tuple[str, ...], held: Held, version: ServerVersion) -> tuple[Scope, ...]:
    """The places where all of it is held; none where a privilege on a certain table is lacking."""
    asked = [right for need in chosen for right in rights(need, version)]
    if not all(right.scope == EVERYWHERE or holds(held, right, version) for right in asked):
        return ()
    names = [doing(right.name, version) for right in asked if right.scope == EVERYWHERE]
    places = {scope for each in names for scope in held.where(each) if not scope.kind}
    own = ("mysql", "performance_schema", "information_schema", "sys")
    return tuple(
        sorted(scope for scope in places if scope.database not in own and all(held.has(each, scope) for each in names))
    )
