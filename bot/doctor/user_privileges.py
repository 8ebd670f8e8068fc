"""What one database user may do on one server. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from actions import catalog
from actions.contract import Grants, Prometheus, ProxySQL, ServerVersion
from actions.vitess_contract import Vitess
from bot.privileges.corrections import Excess, Mending, excess, mending
from bot.privileges.grants import Held, account_name
from bot.privileges.requirements import (
    BY_CHOICE,
    SPARE_PORT,
    Permission,
    Right,
    State,
    holds,
    needed,
    permission,
    rights,
)

Kind = Literal["reader", "changer"]

PROMETHEUS = tuple(name for name, each in catalog.DIAGNOSTICS.items() if each.reader is Prometheus)
"""Diagnostics that ask no database server."""
ELSEWHERE = (Prometheus, ProxySQL, Vitess)
"""Readers of what is no database server, though those of Vitess may ask the server beneath a tablet, too."""
ACTIONS: Mapping[Kind, Mapping[str, Grants]] = {
    "reader": {n: each.needs for n, each in catalog.DIAGNOSTICS.items() if each.reader not in ELSEWHERE},
    "changer": {n: each.needs for n, each in catalog.REMEDIATIONS.items() if each.reader not in ELSEWHERE},
}
"""What each user of a server is for: action -> its needs."""
WORDS: Mapping[Kind, str] = {"reader": "diagnostics", "changer": "remediations"}
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class User:
    """The reader or the changer of a shard, as one server knows it."""

    kind: Kind
    account: str = ""
    """As GRANT takes it; '' where it could not log in."""
    says: str = ""
    """Why it could not be asked."""
    permissions: tuple[Permission, ...] = ()
    missing: tuple[Right, ...] = ()
    spare_port: tuple[Right, ...] = ()
    """What is missing to come in over the spare port; part of `missing`."""
    excess: Excess = field(default_factory=Excess)
    roles: tuple[str, ...] = ()
    dormant: bool = False
    """Whether roles that were granted to it are not active when it logs in, and would bring what is missing."""
    borrowed: bool = False
    mending: Mending = field(default_factory=Mending)
    same: bool = False
    """Whether it is the account of the reader, too."""
    unread: int = 0

    def in_state(self, state: State) -> tuple[Permission, ...]:
        """The actions in one state."""
        return tuple(each for each in self.permissions if each.state is state)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, each in a sentence without the server's name."""
        if self.says:
            return (self.says,)
        return tuple(
            filter(None, (self._lacks(), self._shut_out(), self._may_too_much(), self._is_both(), self._unread()))
        )

    def _lacks(self) -> str:
        off = self.in_state(State.MISSING)
        if not off:
            return ""
        lacks = sorted({right for each in off for right in each.missing})
        says = (
            f"The {self.kind} {self.account} may not run {len(off)} of {len(self.permissions)} {WORDS[self.kind]}: "
            f"{listed(each.action for each in off)}. It lacks {listed(map(str, lacks))}."
        )
        if self.roles:
            active = "are not active when it logs in" if self.dormant else "count where they are active when it logs in"
            says += f" Its roles {listed(self.roles)} {active}."
        return says

    def _shut_out(self) -> str:
        if not self.spare_port:
            return ""
        return (
            f"The {self.kind} {self.account} may not come in over the spare port of a full server: it lacks "
            f"{listed(map(str, self.spare_port))}."
        )

    def _may_too_much(self) -> str:
        if not self.excess:
            return ""
        by_place: dict[str, list[str]] = {}
        for each in self.excess.changing:
            by_place.setdefault(str(each.scope), []).append(str(each))
        says = [f"{listed(names)} on {place}" for place, names in by_place.items()]
        if self.excess.handed_on:
            places = dict.fromkeys(str(each.scope) for each in self.excess.handed_on)
            says.append(f"GRANT OPTION on {listed(places)}")
        by = f" Some of it may come by a role: {listed(self.roles) or 'PUBLIC'}." if self.borrowed else ""
        return f"The {self.kind} {self.account} may do more than its actions need: {'; '.join(says)}.{by}"

    def _is_both(self) -> str:
        if not self.same:
            return ""
        return (
            f"The reader and the changer are the same account, {self.account}, so what diagnoses could change, too. "
            "Give each its own."
        )

    def _unread(self) -> str:
        if not self.unread:
            return ""
        return f"{self.unread} lines of SHOW GRANTS for {self.account} were not understood; look at them yourself."


def judged(kind: Kind, held: Held, version: ServerVersion, *, spare_port: bool, with_roles: Held | None = None) -> User:
    """What a user may do who holds these privileges; `with_roles` is what it holds once all its roles are active."""
    needs = ACTIONS[kind]
    permissions = tuple(permission(name, each, held, version) for name, each in needs.items())
    asked = needed((*needs.values(), *((SPARE_PORT,) if spare_port else ())), version)
    missing = tuple(right for right in asked if not holds(held, right, version))
    still = tuple(right for right in missing if with_roles is None or not holds(with_roles, right, version))
    names = {right.name for right in (*asked, *_by_choice(needs.values(), version))}
    too_much = excess(held, names)
    mended = mending(held, still, too_much, asked, version)
    dormant = len(still) < len(missing)
    if dormant:
        wakes = f"SET DEFAULT ROLE ALL TO {account_name(held.account)}"
        mended = Mending((wakes, *mended.grants), mended.revokes)
    shut = {right for need in SPARE_PORT.get(version.flavour, ()) for right in rights(need, version)}
    return User(
        kind,
        account_name(held.account),
        permissions=permissions,
        missing=missing,
        spare_port=tuple(sorted(shut & set(missing))),
        excess=too_much,
        roles=held.roles,
        dormant=dormant,
        borrowed=held.borrowed,
        mending=mended,
        unread=held.unread,
    )


def listed(names: Iterable[str]) -> str:
    """Names in a row, the first few of many."""
    every = list(names)
    more = len(every) - MOST_NAMED
    return ", ".join(every) if more <= 0 else f"{', '.join(every[:MOST_NAMED])} and {more} more"


def _by_choice(all_needs: Iterable[Grants], version: ServerVersion) -> set[Right]:
    """What somebody may have granted so that an action is on that is off without."""
    chosen = {need for needs in all_needs for need in needs.get(version.flavour, ()) if need in BY_CHOICE}
    return {right for need in chosen for right in rights(need, version)}
