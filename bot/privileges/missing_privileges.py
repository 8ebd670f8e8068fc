"""Which privileges the actions need on a server version, and which of them an account has. Pure.

An action declares the privileges that it needs on MySQL 8.4 and MariaDB 11. This module maps them to older versions and
to other privileges that include them. Verified on MySQL 9.7 and MariaDB 10.11 and 11.8; for older versions the manuals
are the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from actions.contract import Flavour, Grants, ServerVersion
from bot.privileges.grant_parser import EVERYWHERE, AccountPrivileges, PrivilegeScope

SPARE_PORT: Grants = {Flavour.MYSQL: ("SERVICE_CONNECTION_ADMIN",)}
"""The privilege for the spare port: MySQL's admin_port needs one, MariaDB's extra_port needs none."""

_TABLES = "grant it on the tables that it is meant for"
BY_CHOICE: Mapping[str, str] = {
    "SELECT ON *.*": f"on *.* it allows reading all data; {_TABLES}",
    "SELECT, INSERT ON *.*": f"on *.* it allows writing all data; {_TABLES}",
    "SELECT ON mysql.innodb_table_stats": "it is useful only with SELECT and INSERT on a table; grant them together",
}
"""Privileges on application data, which an administrator grants only to enable an action, with the reason; and what an
action needs besides them, which is by choice in that action only."""


@dataclass(frozen=True, slots=True, order=True)
class RequiredPrivilege:
    """A privilege that an action needs on one scope."""

    name: str
    scope: PrivilegeScope = EVERYWHERE

    def __str__(self) -> str:
        return self.name if self.scope == EVERYWHERE else f"{self.name} ON {self.scope}"


class PermissionState(StrEnum):
    """Whether an account may run an action."""

    MAY = "may"
    MISSING = "missing"
    BY_CHOICE = "by_choice"
    """It may not, and this is not a problem: the privilege is granted only by choice."""
    SOMEWHERE = "somewhere"
    """It may on some databases or tables, on which a privilege was granted by choice."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether an account may run one action."""

    action: str
    state: PermissionState
    missing: tuple[RequiredPrivilege, ...] = ()
    by_choice: tuple[str, ...] = ()
    """The needs, as the action declares them, that are granted only by choice and are not met everywhere."""
    where: tuple[PrivilegeScope, ...] = ()
    """The scopes on which it may, in the state SOMEWHERE."""


@dataclass(frozen=True, slots=True)
class _Introduced:
    """The version that introduced a privilege, and the privilege needed before it; '' for none."""

    since: tuple[int, int, int]
    before: str = ""


_INTRODUCED: Mapping[tuple[Flavour, str], _Introduced] = {
    (Flavour.MYSQL, "BINLOG_ADMIN"): _Introduced((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "CONNECTION_ADMIN"): _Introduced((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "REPLICATION_SLAVE_ADMIN"): _Introduced((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "SYSTEM_VARIABLES_ADMIN"): _Introduced((8, 0, 0), "SUPER"),
    (Flavour.MYSQL, "XA_RECOVER_ADMIN"): _Introduced((8, 0, 0)),
    # Introduced together with admin_port.
    (Flavour.MYSQL, "SERVICE_CONNECTION_ADMIN"): _Introduced((8, 0, 14)),
    (Flavour.MARIADB, "BINLOG MONITOR"): _Introduced((10, 5, 2), "REPLICATION CLIENT"),
    (Flavour.MARIADB, "SLAVE MONITOR"): _Introduced((10, 5, 2), "REPLICATION CLIENT"),
    (Flavour.MARIADB, "BINLOG ADMIN"): _Introduced((10, 5, 2), "SUPER"),
    (Flavour.MARIADB, "CONNECTION ADMIN"): _Introduced((10, 5, 2), "SUPER"),
    (Flavour.MARIADB, "READ_ONLY ADMIN"): _Introduced((10, 5, 2), "SUPER"),
    (Flavour.MARIADB, "REPLICATION SLAVE ADMIN"): _Introduced((10, 5, 2), "SUPER"),
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
"""Privileges that SUPER includes -> the first version in which it no longer does."""


def by_choice(needs: Iterable[str]) -> frozenset[str]:
    """Returns those of an action's needs that are granted only by choice; none if it reads no application data."""
    found = frozenset(needs) & BY_CHOICE.keys()
    return found if any(need.endswith(" ON *.*") for need in found) else frozenset()


def required_privileges(need: str, version: ServerVersion) -> tuple[RequiredPrivilege, ...]:
    """Returns the privileges of a need such as `SELECT, INSERT ON *.*` on a server version; empty if it needs none."""
    names, _, place = need.partition(" ON ")
    database, _, table = (place or "*.*").partition(".")
    found = []
    for name in names.split(","):
        introduced = _INTRODUCED.get((version.flavour, name.strip()))
        asked = name.strip() if introduced is None or version.at_least(*introduced.since) else introduced.before
        if asked:
            found.append(RequiredPrivilege(asked, PrivilegeScope(database, table)))
    return tuple(found)


def satisfied_by(name: str, version: ServerVersion) -> frozenset[str]:
    """Returns the privileges that include `name`, among them `name` itself."""
    until = _BY_SUPER[version.flavour].get(name)
    also = {"SUPER"} if until is not None and not version.at_least(*until) else set()
    if version.is_mariadb and name == "BINLOG MONITOR":
        also.add("REPLICATION CLIENT")  # its former name
    return frozenset({name, *also})


def holds(held: AccountPrivileges, right: RequiredPrivilege, version: ServerVersion) -> bool:
    """Returns whether an account has a required privilege, by itself or included in another one."""
    return held.has(satisfied_by(right.name, version), right.scope)


def permission(action: str, needs: Grants, held: AccountPrivileges, version: ServerVersion) -> Permission:
    """Returns whether an account may run an action on a server version, and the privileges that it lacks."""
    declared = needs.get(version.flavour, ())
    lacking = {
        need: tuple(right for right in required_privileges(need, version) if not holds(held, right, version))
        for need in declared
    }
    optional = by_choice(declared)
    missing = {right for need, lacks in lacking.items() if need not in optional for right in lacks}
    chosen = tuple(need for need, lacks in lacking.items() if need in optional and lacks)
    if missing:
        return Permission(action, PermissionState.MISSING, tuple(sorted(missing)), chosen)
    if not chosen:
        return Permission(action, PermissionState.MAY)
    where = _somewhere(chosen, held, version)
    return Permission(action, PermissionState.SOMEWHERE if where else PermissionState.BY_CHOICE, (), chosen, where)


def all_required(all_needs: tuple[Grants, ...], version: ServerVersion) -> tuple[RequiredPrivilege, ...]:
    """Returns all privileges that the actions need on a server version, without those granted only by choice."""
    found = {
        right
        for needs in all_needs
        for need in set(needs.get(version.flavour, ())) - by_choice(needs.get(version.flavour, ()))
        for right in required_privileges(need, version)
    }
    return tuple(sorted(found))


def _somewhere(chosen: tuple[str, ...], held: AccountPrivileges, version: ServerVersion) -> tuple[PrivilegeScope, ...]:
    """Returns the scopes with all of the needs; empty if a privilege on a specific table is missing."""
    asked = [right for need in chosen for right in required_privileges(need, version)]
    if not all(right.scope == EVERYWHERE or holds(held, right, version) for right in asked):
        return ()
    names = [satisfied_by(right.name, version) for right in asked if right.scope == EVERYWHERE]
    places = {scope for each in names for scope in held.where(each) if not scope.kind}
    own = ("mysql", "performance_schema", "information_schema", "sys")
    return tuple(
        sorted(scope for scope in places if scope.database not in own and all(held.has(each, scope) for each in names))
    )
