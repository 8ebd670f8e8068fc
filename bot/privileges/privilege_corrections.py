"""The excess privileges of an account, and the statements that grant missing ones and revoke excess ones. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from actions.contract import ServerVersion
from bot.privileges.grant_parser import ALL, USAGE, AccountPrivileges, Privilege, PrivilegeScope, account_name
from bot.privileges.missing_privileges import RequiredPrivilege, holds

READ_ONLY = frozenset((
    "AUDIT_ABORT_EXEMPT", "BINLOG MONITOR", "FIREWALL_EXEMPT", "PROCESS", "REFERENCES", "REPLICATION CLIENT",
    "REPLICATION SLAVE", "SELECT", "SERVICE_CONNECTION_ADMIN", "SHOW CREATE ROUTINE", "SHOW DATABASES", "SHOW VIEW",
    "SHOW_ROUTINE", "SLAVE MONITOR", USAGE, "XA_RECOVER_ADMIN",
))  # fmt: skip
"""Privileges that allow no change. Any other privilege, also of a later version, is assumed to allow one."""
_SYS = Privilege("EXECUTE", PrivilegeScope("sys"))
"""The functions of the schema sys only compute, and its procedures run with the privileges of the caller."""


@dataclass(frozen=True, slots=True)
class Excess:
    """The excess privileges of an account."""

    changing: tuple[Privilege, ...] = ()
    """Privileges that allow a change and that no action needs."""
    handed_on: tuple[Privilege, ...] = ()
    """Privileges with the grant option; some of them may also be in `changing`."""

    def __bool__(self) -> bool:
        return bool(self.changing or self.handed_on)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Statements for an administrator, in this order."""

    grants: tuple[str, ...] = ()
    """GRANTs of missing privileges."""
    revokes: tuple[str, ...] = ()
    """REVOKEs of excess privileges, and GRANTs of needed privileges that are lost with them."""


def excess(held: AccountPrivileges, names: Collection[str]) -> Excess:
    """Returns the excess of an account that needs the privileges `names` and may have any read-only privilege."""

    def allowed(privilege: Privilege) -> bool:
        return privilege.name in READ_ONLY or privilege.name in names or replace(privilege, grantable=False) == _SYS

    return Excess(
        tuple(sorted(privilege for privilege in held.privileges if not allowed(privilege))),
        tuple(sorted(privilege for privilege in held.privileges if privilege.grantable)),
    )


def corrections(
    held: AccountPrivileges,
    missing: Iterable[RequiredPrivilege],
    too_much: Excess,
    needed: Iterable[RequiredPrivilege],
    version: ServerVersion,
) -> Corrections:
    """Returns the statements after which an account has the privileges that it needs, and no excess.

    Without REVOKEs if some privileges come from a role, since they cannot be revoked from the account itself.
    """
    lacks = set(missing)
    grants = granting(lacks, held.account)
    if not too_much or held.borrowed:
        return Corrections(grants)
    revoked, option = _revoked(too_much, version)
    revokes = [_revoke(privileges, scope, held.account) for scope, privileges in revoked.items()]
    revokes += [f"REVOKE GRANT OPTION ON {scope} FROM {account_name(held.account)}" for scope in option]
    gone = {(name, scope) for scope, privileges in revoked.items() for name in privileges}
    left = replace(held, privileges=tuple(p for p in held.privileges if (str(p), p.scope) not in gone))
    again = {right for right in needed if right not in lacks and not holds(left, right, version)}
    return Corrections(grants, (*revokes, *granting(again, held.account)))


def granting(required_privileges: Collection[RequiredPrivilege], account: str) -> tuple[str, ...]:
    """Returns one GRANT per scope, the widest scope first."""
    by_scope: defaultdict[PrivilegeScope, list[str]] = defaultdict(list)
    for right in sorted(required_privileges):
        by_scope[right.scope].append(right.name)
    return tuple(
        f"GRANT {', '.join(names)} ON {scope} TO {account_name(account)}" for scope, names in sorted(by_scope.items())
    )


def _revoked(too_much: Excess, version: ServerVersion) -> tuple[dict[PrivilegeScope, list[str]], list[PrivilegeScope]]:
    """Returns the privileges to revoke by scope, and the scopes whose grant option is revoked.

    In MySQL each dynamic privilege has its own grant option, which is revoked only together with the privilege.
    """
    dynamic = [each for each in too_much.handed_on if not version.is_mariadb and "_" in each.name]
    takes: defaultdict[PrivilegeScope, list[str]] = defaultdict(list)
    for privilege in sorted({*too_much.changing, *dynamic}):
        takes[privilege.scope].append(str(privilege))
    option = [each.scope for each in too_much.handed_on if each not in dynamic and each.name != "PROXY"]
    return dict(sorted(takes.items())), list(dict.fromkeys(option))


def _revoke(privileges: list[str], scope: PrivilegeScope, account: str) -> str:
    names = ALL if ALL in privileges else ", ".join(privileges)
    return f"REVOKE {names} ON {scope} FROM {account_name(account)}"
