"""Which instances a step means by its `on`, and which shards there are. Pure, over the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from actions.catalog import REMEDIATIONS
from actions.contract import MySQL, ProxySQL, Remediation
from actions.vitess_contract import Vitess
from bot.config import Tablet
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import UnknownTarget
from bot.runbook.language.schema_base import Place, Selector
from bot.runbook.language.signatures import did_you_mean


def places(where: Place | Selector, target: Target, inventory: Sequence[Target]) -> tuple[Target, ...]:
    """The instances, in the order of the inventory; raises UnknownTarget when there is none, or more than the limit."""
    shard = [Target(instance, target.shard) for instance in target.shard.instances]
    match where:
        case "target":
            return (target,)
        case "primary":
            found = [each for each in shard if each.instance == target.primary]
            if not found:
                raise UnknownTarget(f"The inventory knows no primary of {target.shard.name}.")
        case "replicas":
            found = [each for each in shard if each.instance in target.replicas]
        case "proxies":
            found = [Target(instance, target.shard) for instance in target.proxies]
        case "shard":
            # Whatever is done to all of a shard is done to its primary last.
            found = sorted(shard, key=lambda each: each.instance == target.primary)
        case Selector():
            found = [each for each in inventory if _fits(where, each, target.shard.name)]
            if not found:
                raise UnknownTarget(f"No instance of the inventory fits {_shown(where)}.")
            if len(found) > where.limit:
                raise UnknownTarget(
                    f"{len(found)} instances fit {_shown(where)}, and the step takes {where.limit}; narrow it, or "
                    "raise its `limit`."
                )
    return tuple(found)


def out_of_place(use: str, reader: type, target: Target) -> str:
    """Why an action of servers cannot be used on a proxy, or one of proxies on a server; '' where it fits."""
    if reader is ProxySQL and not target.is_proxy:
        return f"{use} is for proxies, and {target.name} is a {target.instance.role.value}; write `on: proxies`."
    if reader is Vitess and not isinstance(target.instance, Tablet):
        return f"{use} is for tablets of Vitess, and {target.name} is none; give it a target such as commerce/-80."
    if reader is MySQL and target.is_proxy:
        return f"{use} is for servers, and {target.name} is a proxy; write `on: primary`, `replicas` or `shard`."
    return ""


def stand_in(remediation: Remediation, target: Target) -> str:
    """The name of the action that is planned in its place, where the target is a tablet; '' where it stands."""
    instead = remediation.on_tablet if isinstance(target.instance, Tablet) else ""
    return instead if instead in REMEDIATIONS else ""


def refused_on_tablet(use: str, remediation: Remediation, target: Target) -> str:
    """Why a change of a server is not made where the server is a tablet's; '' where it may be."""
    if not isinstance(target.instance, Tablet) or not remediation.on_tablet:
        return ""
    if stand_in(remediation, target):
        return f"{target.name} is a tablet of Vitess, and {use} is not made on one: use {remediation.on_tablet}."
    return f"{target.name} is a tablet of Vitess, and {use} is not made on one: {remediation.on_tablet}"


def changed_at(targets: Sequence[Target]) -> list[Target]:
    """Where a change is made: of the proxies of a ProxySQL Cluster only on the first, which hands it on by itself."""
    found: list[Target] = []
    for each in targets:
        handed_on = each.is_proxy and each.shard.proxies is not None and each.shard.proxies.cluster
        if not handed_on or not any(other.is_proxy and other.shard.name == each.shard.name for other in found):
            found.append(each)
    return found


def _fits(where: Selector, target: Target, shard: str) -> bool:
    return (
        (not target.is_proxy if where.role is None else where.role == target.instance.role.value)
        and (where.name is None or fnmatchcase(target.name, where.name))
        and (target.shard.name == shard if where.shard is None else fnmatchcase(target.shard.name, where.shard))
        and (where.tablet is None or _alias(target) == where.tablet)
    )


def _alias(target: Target) -> str:
    """The alias of a tablet; '' for what is none."""
    return target.instance.record.alias if isinstance(target.instance, Tablet) else ""


def _shown(where: Selector) -> str:
    given = {
        name: getattr(where, name) for name in ("role", "name", "shard", "tablet") if getattr(where, name) is not None
    }
    return ", ".join(f"{name} {value}" for name, value in given.items()) or "the shard"


def described(where: Place | Selector) -> str:
    """The places in a word, for cards: `replicas`, or what the selector asks for."""
    return where if isinstance(where, str) else _shown(where)


def shards(fleet: Fleet) -> list[str]:
    """The names of all shards of the inventory."""
    return sorted({each.shard.name for each in fleet.targets()})


def known_shard(fleet: Fleet, name: str) -> None:
    """Raises UnknownTarget with the nearest name where the inventory does not know the shard."""
    known = shards(fleet)
    if name not in known:
        raise UnknownTarget(f"The inventory knows no shard {name!r}{did_you_mean(name, known)}")
