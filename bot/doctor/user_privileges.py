"""The doctor's report on the privileges of one user on one server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from actions import catalog
from actions.contract import Grants, ProxySQL, ServerVersion
from actions.prometheus_contract import Prometheus
from actions.vitess_contract import Vitess
from bot.privileges.grant_parser import AccountPrivileges, account_name
from bot.privileges.missing_privileges import (
    SPARE_PORT,
    Permission,
    PermissionState,
    RequiredPrivilege,
    all_required,
    by_choice,
    holds,
    permission,
    required_privileges,
)
from bot.privileges.privilege_corrections import Corrections, Excess, corrections, excess

Kind = Literal["reader", "changer"]

PROMETHEUS = tuple(name for name, each in catalog.DIAGNOSTICS.items() if each.reader is Prometheus)
"""Diagnostics that query Prometheus."""
ELSEWHERE = (Prometheus, ProxySQL, Vitess)
"""Readers that do not connect as a database user, although those of Vitess may also query a tablet's MySQL."""
ACTIONS: Mapping[Kind, Mapping[str, Grants]] = {
    "reader": {n: each.needs for n, each in catalog.DIAGNOSTICS.items() if each.reader not in ELSEWHERE},
    "changer": {n: each.needs for n, each in catalog.REMEDIATIONS.items() if each.reader not in ELSEWHERE},
}
"""The actions that each user runs -> the privileges that they need."""
ACTION_NOUNS: Mapping[Kind, str] = {"reader": "diagnostics", "changer": "remediations"}
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class UserReport:
    """The reader or the changer of a shard, on one server."""

    kind: Kind
    account: str = ""
    """The account in the syntax of GRANT; '' if it could not log in."""
    says: str = ""
    """Why it could not be inspected; '' otherwise."""
    permissions: tuple[Permission, ...] = ()
    missing: tuple[RequiredPrivilege, ...] = ()
    spare_port: tuple[RequiredPrivilege, ...] = ()
    """The privileges that are missing to use the spare port; they are part of `missing`."""
    excess: Excess = field(default_factory=Excess)
    roles: tuple[str, ...] = ()
    dormant: bool = False
    """Whether granted roles have missing privileges but are not active after login."""
    borrowed: bool = False
    corrections: Corrections = field(default_factory=Corrections)
    same: bool = False
    """Whether the reader uses the same account."""
    unread: int = 0

    def in_state(self, state: PermissionState) -> tuple[Permission, ...]:
        """Returns the actions in one state."""
        return tuple(each for each in self.permissions if each.state is state)

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems, one sentence each, without the name of the server."""
        if self.says:
            return (self.says,)
        return tuple(
            filter(
                None,
                (self._lacks(), self._lacks_spare_port(), self._has_excess(), self._shares_account(), self._unread()),
            )
        )

    def _lacks(self) -> str:
        off = self.in_state(PermissionState.MISSING)
        if not off:
            return ""
        lacks = sorted({right for each in off for right in each.missing})
        count = f"{len(off)} of {len(self.permissions)} {ACTION_NOUNS[self.kind]}"
        says = (
            f"The {self.kind} {self.account} may not run {count}: "
            f"{listed(each.action for each in off)}. Missing privileges: {listed(map(str, lacks))}."
        )
        if self.roles:
            active = "are not active after login" if self.dormant else "apply only if they are active after login"
            says += f" Its roles {listed(self.roles)} {active}."
        return says

    def _lacks_spare_port(self) -> str:
        if not self.spare_port:
            return ""
        return (
            f"The {self.kind} {self.account} may not use the spare port when all connections are in use. "
            f"Missing privileges: {listed(map(str, self.spare_port))}."
        )

    def _has_excess(self) -> str:
        if not self.excess:
            return ""
        by_place: dict[str, list[str]] = {}
        for each in self.excess.changing:
            by_place.setdefault(str(each.scope), []).append(str(each))
        says = [f"{listed(names)} on {place}" for place, names in by_place.items()]
        if self.excess.handed_on:
            places = dict.fromkeys(str(each.scope) for each in self.excess.handed_on)
            says.append(f"GRANT OPTION on {listed(places)}")
        by = (
            f" Some of these privileges may come from a role: {listed(self.roles) or 'PUBLIC'}."
            if self.borrowed
            else ""
        )
        return f"The {self.kind} {self.account} has privileges that its actions do not need: {'; '.join(says)}.{by}"

    def _shares_account(self) -> str:
        if not self.same:
            return ""
        return (
            f"The reader and the changer use the same account, {self.account}, so diagnostics could change the server. "
            "Create an account for each."
        )

    def _unread(self) -> str:
        if not self.unread:
            return ""
        lines = "1 line" if self.unread == 1 else f"{self.unread} lines"
        return f"{lines} of SHOW GRANTS for {self.account} could not be parsed. Check them by hand."


def assess_user(
    kind: Kind,
    held: AccountPrivileges,
    version: ServerVersion,
    *,
    spare_port: bool,
    with_roles: AccountPrivileges | None = None,
) -> UserReport:
    """Returns the report on a user with these privileges; `with_roles` are its privileges with all roles active."""
    needs = ACTIONS[kind]
    permissions = tuple(permission(name, each, held, version) for name, each in needs.items())
    asked = all_required((*needs.values(), *((SPARE_PORT,) if spare_port else ())), version)
    missing = tuple(right for right in asked if not holds(held, right, version))
    still = tuple(right for right in missing if with_roles is None or not holds(with_roles, right, version))
    names = {right.name for right in (*asked, *_by_choice(needs.values(), version))}
    too_much = excess(held, names)
    corrected = corrections(held, still, too_much, asked, version)
    dormant = len(still) < len(missing)
    if dormant:
        activates = f"SET DEFAULT ROLE ALL TO {account_name(held.account)}"
        corrected = Corrections((activates, *corrected.grants), corrected.revokes)
    for_spare_port = {
        right for need in SPARE_PORT.get(version.flavour, ()) for right in required_privileges(need, version)
    }
    return UserReport(
        kind,
        account_name(held.account),
        permissions=permissions,
        missing=missing,
        spare_port=tuple(sorted(for_spare_port & set(missing))),
        excess=too_much,
        roles=held.roles,
        dormant=dormant,
        borrowed=held.borrowed,
        corrections=corrected,
        unread=held.unread,
    )


def listed(names: Iterable[str]) -> str:
    """Joins names with commas; of many names, only the first few."""
    every = list(names)
    more = len(every) - MOST_NAMED
    return ", ".join(every) if more <= 0 else f"{', '.join(every[:MOST_NAMED])} and {more} more"


def _by_choice(all_needs: Iterable[Grants], version: ServerVersion) -> set[RequiredPrivilege]:
    """Returns the privileges that an administrator may have granted to enable actions that are off by choice."""
    chosen = {need for needs in all_needs for need in by_choice(needs.get(version.flavour, ()))}
    return {right for need in chosen for right in required_privileges(need, version)}
