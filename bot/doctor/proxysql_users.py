"""Inspects one ProxySQL as the reader and as the changer: each must have its own kind of credentials."""

from __future__ import annotations

from collections.abc import Mapping

from actions import catalog
from actions.contract import MySQL, ProxySQL, Unreadable
from bot.doctor.instance_report import InstanceReport
from bot.doctor.user_privileges import Kind, UserReport
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import FirstmateError
from bot.privileges.missing_privileges import Permission, PermissionState

ACTIONS: Mapping[Kind, tuple[str, ...]] = {
    "reader": tuple(name for name, each in catalog.DIAGNOSTICS.items() if each.reader is ProxySQL),
    "changer": tuple(name for name, each in catalog.REMEDIATIONS.items() if each.reader is ProxySQL),
}
CONFIGURATION = "SELECT hostname FROM runtime_mysql_servers LIMIT 1"
"""A statement that users of admin-admin_credentials may run, and users of admin-stats_credentials may not."""


def inspect_proxy(fleet: Fleet, target: Target) -> InstanceReport:
    """Connects as the reader and, if configured, as the changer. Changes nothing."""
    proxies = target.shard.proxies
    assert proxies is not None, target.name
    try:
        with fleet.read(target.shard, target.instance) as db:
            version, seen, sees = db.version, fleet.identify(db), _sees_configuration(db)
    except (FirstmateError, Unreadable) as error:
        return InstanceReport(target, str(error))
    too_much = (
        f"The reader {proxies.reader.user} has administrator access, so diagnostics could change the configuration. "
        "Use a user of admin-stats_credentials instead."
    )
    users = [_user("reader", proxies.reader.user, too_much if sees else "")]
    if proxies.changer is not None:
        users.append(_user("changer", proxies.changer.user, _changer_says(fleet, target, proxies.changer.user)))
    return InstanceReport(target, version=version, role=seen.role, role_says=seen.says, users=tuple(users))


def _user(kind: Kind, account: str, says: str) -> UserReport:
    """Returns the report on a user. ProxySQL has no finer privileges: a user may run all of its actions, or none."""
    may = () if says else tuple(Permission(name, PermissionState.MAY) for name in ACTIONS[kind])
    return UserReport(kind, account, says, may)


def _changer_says(fleet: Fleet, target: Target, user: str) -> str:
    try:
        with fleet.change(target.shard, target.instance) as changer:
            if _sees_configuration(changer.reader):
                return ""
    except (FirstmateError, Unreadable) as error:
        return str(error)
    return (
        f"The changer {user} has no administrator access, so it cannot change anything. Use a user of "
        "admin-admin_credentials instead."
    )


def _sees_configuration(db: MySQL) -> bool:
    try:
        db.rows(CONFIGURATION)
    except Unreadable:
        return False
    return True
