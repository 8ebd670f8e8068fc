"""What an account holds too much of, and the statements that give what is missing and take what is too much. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from actions.contract import ServerVersion
from bot.privileges.grants import ALL, USAGE, Held, Privilege, Scope, account_name
from bot.privileges.requirements import Right, holds

LOOKING = frozenset((
    "AUDIT_ABORT_EXEMPT", "BINLOG MONITOR", "FIREWALL_EXEMPT", "PROCESS", "REFERENCES", "REPLICATION CLIENT",
    "REPLICATION SLAVE", "SELECT", "SERVICE_CONNECTION_ADMIN", "SHOW CREATE ROUTINE", "SHOW DATABASES", "SHOW VIEW",
    "SHOW_ROUTINE", "SLAVE MONITOR", USAGE, "XA_RECOVER_ADMIN",
))  # fmt: skip
"""Privileges with which nothing can be changed. Whatever is not here can, also what a later version brings."""
_SYS = Privilege("EXECUTE", Scope("sys"))
"""The functions of the schema sys compute, and its procedures run with the rights of who calls them."""


@dataclass(frozen=True, slots=True)
class Excess:
    """What an account holds too much of."""

    changing: tuple[Privilege, ...] = ()
    """What can change something, and nobody asks for."""
    handed_on: tuple[Privilege, ...] = ()
    """What it may hand on to others; some of it may be in `changing`, too."""

    def __bool__(self) -> bool:
        return bool(self.changing or self.handed_on)


@dataclass(frozen=True, slots=True)
class Mending:
    """Statements for an administrator, in order."""

    grants: tuple[str, ...] = ()
    """What is missing."""
    revokes: tuple[str, ...] = ()
    """What is too much; with the GRANTs of what would go with it."""


def excess(held: Held, names: Collection[str]) -> Excess:
    """What an account holds too much of who is to hold the privileges `names`, and may look."""

    def rightful(privilege: Privilege) -> bool:
        return privilege.name in LOOKING or privilege.name in names or replace(privilege, grantable=False) == _SYS

    return Excess(
        tuple(sorted(privilege for privilege in held.privileges if not rightful(privilege))),
        tuple(sorted(privilege for privilege in held.privileges if privilege.grantable)),
    )


def mending(
    held: Held,
    missing: Iterable[Right],
    too_much: Excess,
    needed: Iterable[Right],
    version: ServerVersion,
) -> Mending:
    """The statements that bring an account to what it needs and no more.

    Where a role brings what is too much, nothing can be taken from the account itself, and no statement is given.
    """
    lacks = set(missing)
    grants = granting(lacks, held.account)
    if not too_much or held.borrowed:
        return Mending(grants)
    takes, option = _taken(too_much, version)
    revokes = [_revoke(privileges, scope, held.account) for scope, privileges in takes.items()]
    revokes += [f"REVOKE GRANT OPTION ON {scope} FROM {account_name(held.account)}" for scope in option]
    gone = {(name, scope) for scope, privileges in takes.items() for name in privileges}
    left = replace(held, privileges=tuple(p for p in held.privileges if (str(p), p.scope) not in gone))
    again = {right for right in needed if right not in lacks and not holds(left, right, version)}
    return Mending(grants, (*revokes, *granting(again, held.account)))


def granting(rights: Collection[Right], account: str) -> tuple[str, ...]:
    """One GRANT for each place, the widest first."""
    by_scope: defaultdict[Scope, list[str]] = defaultdict(list)
    for right in sorted(rights):
        by_scope[right.scope].append(right.name)
    return tuple(
        f"GRANT {', '.join(names)} ON {scope} TO {account_name(account)}" for scope, names in sorted(by_scope.items())
    )


def _taken(too_much: Excess, version: ServerVersion) -> tuple[dict[Scope, list[str]], list[Scope]]:
    """What is revoked by place, and the places whose grant option is.

    In MySQL a dynamic privilege has a grant option of its own, which goes only with the privilege.
    """
    dynamic = [each for each in too_much.handed_on if not version.is_mariadb and "_" in each.name]
    takes: defaultdict[Scope, list[str]] = defaultdict(list)
    for privilege in sorted({*too_much.changing, *dynamic}):
        takes[privilege.scope].append(str(privilege))
    option = [each.scope for each in too_much.handed_on if each not in dynamic and each.name != "PROXY"]
    return dict(sorted(takes.items())), list(dict.fromkeys(option))


def _revoke(privileges: list[str], scope: Scope, account: str) -> str:
    names = ALL if ALL in privileges else ", ".join(privileges)
    return f"REVOKE {names} ON {scope} FROM {account_name(account)}"
