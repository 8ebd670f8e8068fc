"""Looks at one ProxySQL as each of its users: who answers, and whether each may do what it is for and no more."""

from __future__ import annotations

from collections.abc import Mapping

from actions import catalog
from actions.contract import MySQL, ProxySQL, Unreadable
from bot.doctor.instance import Instance
from bot.doctor.user_privileges import Kind, User
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.privileges.requirements import Permission, State

ACTIONS: Mapping[Kind, tuple[str, ...]] = {
    "reader": tuple(name for name, each in catalog.DIAGNOSTICS.items() if each.reader is ProxySQL),
    "changer": tuple(name for name, each in catalog.REMEDIATIONS.items() if each.reader is ProxySQL),
}
CONFIGURATION = "SELECT hostname FROM runtime_mysql_servers LIMIT 1"
"""What a user of admin-admin_credentials may read, and one of admin-stats_credentials may not."""


def look_at_proxy(fleet: Fleet, target: Target) -> Instance:
    """Connects as the reader and, where there is one, as the changer; changes nothing."""
    proxies = target.shard.proxies
    assert proxies is not None, target.name
    try:
        with fleet.read(target.shard, target.instance) as db:
            version, seen, sees = db.version, fleet.identify(db), _sees_configuration(db)
    except (FirstmateError, Unreadable) as error:
        return Instance(target, str(error))
    too_much = (
        f"The reader {proxies.reader.user} sees the configuration, so it is an administrator, and what diagnoses could "
        "change, too. Give it a user of admin-stats_credentials."
    )
    users = [_user("reader", proxies.reader.user, too_much if sees else "")]
    if proxies.changer is not None:
        users.append(_user("changer", proxies.changer.user, _changer_says(fleet, target, proxies.changer.user)))
    return Instance(target, version=version, role=seen.role, role_says=seen.says, users=tuple(users))


def _user(kind: Kind, account: str, says: str) -> User:
    """A user of the right kind may run all that it is for: ProxySQL knows no finer privileges."""
    may = () if says else tuple(Permission(name, State.MAY) for name in ACTIONS[kind])
    return User(kind, account, says, may)


def _changer_says(fleet: Fleet, target: Target, user: str) -> str:
    try:
        with fleet.change(target.shard, target.instance) as changer:
            if _sees_configuration(changer.reader):
                return ""
    except (FirstmateError, Unreadable) as error:
        return str(error)
    return (
        f"The changer {user} does not see the configuration, so it can change nothing. Give it a user of "
        "admin-admin_credentials."
    )


def _sees_configuration(db: MySQL) -> bool:
    try:
        db.rows(CONFIGURATION)
    except Unreadable:
        return False
    return True
