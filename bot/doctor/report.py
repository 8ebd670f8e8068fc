"""The doctor's whole report, also as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.config import Shard
from bot.doctor.instance_report import InstanceReport, ServiceReport
from bot.doctor.statement_placement import PlacedStatements, place_statements
from bot.doctor.user_privileges import ACTIONS, PROMETHEUS, UserReport
from bot.engine.targets import Target
from bot.privileges.missing_privileges import BY_CHOICE, Permission, PermissionState


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """The reports on all inspected servers, in the order of the inventory, and on the services."""

    instances: tuple[InstanceReport, ...]
    services: tuple[ServiceReport, ...]

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards of the inspected servers."""
        return tuple({each.target.shard.name: each.target.shard for each in self.instances}.values())

    @property
    def ok(self) -> bool:
        """Whether no server has a problem, and every configured service answers."""
        return not any(each.problems for each in self.instances) and all(each.ok for each in self.services)

    @property
    def only_reads(self) -> bool:
        """Whether no shard has a changer."""
        return all(shard.changer is None for shard in self.shards)

    @property
    def grants(self) -> tuple[PlacedStatements, ...]:
        """The GRANTs of missing privileges."""
        return place_statements(self.instances, lambda corrections: corrections.grants)

    @property
    def revokes(self) -> tuple[PlacedStatements, ...]:
        """The REVOKEs of excess privileges."""
        return place_statements(self.instances, lambda corrections: corrections.revokes)

    def of(self, shard: Shard) -> tuple[InstanceReport, ...]:
        """Returns the reports on the servers of a shard."""
        return tuple(each for each in self.instances if each.target.shard.name == shard.name)

    def by_choice(self) -> Mapping[str, tuple[str, ...]]:
        """Returns the actions that are off by choice on some server, with the privileges that each needs."""
        found: dict[str, tuple[str, ...]] = {}
        for instance in self.instances:
            for user in instance.users:
                for each in user.in_state(PermissionState.BY_CHOICE):
                    found.setdefault(each.action, each.by_choice)
        return found

    def as_json(self) -> dict[str, Any]:
        """Returns the report as documented for `firstmate doctor --json`."""
        return {
            "ok": self.ok,
            "only_reads": self.only_reads,
            "shards": [
                {
                    "shard": shard.name,
                    "flavour": shard.flavour,
                    "only_reads": shard.changer is None,
                    "remediations_off": len(ACTIONS["changer"]) if shard.changer is None else 0,
                    "instances": [_instance(each) for each in self.of(shard)],
                }
                for shard in self.shards
            ],
            "services": [_service(each) for each in self.services],
            "grants": [_placed(each) for each in self.grants],
            "revokes": [_placed(each) for each in self.revokes],
            "by_choice": {
                action: [{"needs": need, "why": BY_CHOICE[need]} for need in needs]
                for action, needs in self.by_choice().items()
            },
        }


def unanswered(target: Target, seconds: float) -> InstanceReport:
    """Returns the report on a server that did not answer in time."""
    address = target.instance.address
    return InstanceReport(
        target,
        f"{address} did not answer within {seconds:g} s. Check its load and the network.",
    )


def _instance(instance: InstanceReport) -> dict[str, Any]:
    declared = instance.target.instance
    return {
        "instance": instance.name,
        "address": instance.address,
        "reachable": instance.reachable,
        "version": str(instance.version) if instance.version else None,
        "tls": instance.tls,
        "certificate_checked": instance.certificate_checked,
        "role": {
            "inventory": declared.role.value,
            "server": instance.role.value if instance.role else None,
            "agree": instance.role is declared.role if instance.role else None,
            "says": instance.role_says or None,
        },
        "spare_port": {"port": declared.spare_port, "says": instance.spare_port_says or None}
        if declared.spare_port is not None
        else None,
        "users": [_user(each) for each in instance.users],
        "problems": list(instance.problems),
    }


def _user(user: UserReport) -> dict[str, Any]:
    return {
        "user": user.kind,
        "account": user.account or None,
        "says": user.says or None,
        "may": [each.action for each in user.in_state(PermissionState.MAY)],
        "may_not": [
            {"action": each.action, "missing": list(map(str, each.missing))}
            for each in user.in_state(PermissionState.MISSING)
        ],
        "by_choice": [
            _chosen(each)
            for each in (*user.in_state(PermissionState.BY_CHOICE), *user.in_state(PermissionState.SOMEWHERE))
        ],
        "missing": list(map(str, user.missing)),
        "excess": [{"privilege": str(each), "on": str(each.scope)} for each in user.excess.changing],
        "grant_option": list(dict.fromkeys(str(each.scope) for each in user.excess.handed_on)),
        "roles": list(user.roles),
        "same_account": user.same,
        "unread": user.unread,
    }


def _chosen(permission: Permission) -> dict[str, Any]:
    return {
        "action": permission.action,
        "needs": list(permission.by_choice),
        "on": list(map(str, permission.where)),
    }


def _service(service: ServiceReport) -> dict[str, Any]:
    off = list(PROMETHEUS) if service.name == "prometheus" and (service.says or not service.url) else []
    return {
        "service": service.name,
        "configured": bool(service.url),
        "url": service.url or None,
        "ok": service.ok,
        "says": service.says or None,
        "off": off,
    }


def _placed(each: PlacedStatements) -> dict[str, Any]:
    return {
        "shard": each.shard,
        "on": each.on,
        "replicas": list(each.replicas),
        "statements": list(each.statements),
        "says": each.says,
    }
