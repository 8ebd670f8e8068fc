"""Selects the instances of a step by its `on`, and lists shards. Pure, on the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from actions.catalog import REMEDIATIONS
from actions.contract import MySQL, ProxySQL, Remediation
from actions.vitess_contract import Vitess
from bot.config import Shard, Tablet, TabletShard
from bot.engine.ports import Fleet
from bot.engine.targets import Target
from bot.errors import UnknownTarget
from bot.runbook.language.schema_base import Place, Selector
from bot.runbook.language.signatures import did_you_mean


def places(where: Place | Selector, target: Target, inventory: Sequence[Target]) -> tuple[Target, ...]:
    """Returns the instances in the order of the inventory; raises UnknownTarget for none, or more than the limit."""
    shard = [Target(instance, target.shard) for instance in target.shard.instances]
    match where:
        case "target":
            return (target,)
        case "primary":
            found = [each for each in shard if each.instance == target.primary]
            if not found:
                raise UnknownTarget(_no_primary(target.shard))
        case "replicas":
            found = [each for each in shard if each.instance in target.replicas]
        case "proxies":
            found = [Target(instance, target.shard) for instance in target.proxies]
        case "shard":
            # A change of a whole shard changes its primary last.
            found = sorted(shard, key=lambda each: each.instance == target.primary)
        case Selector():
            found = [each for each in inventory if _fits(where, each, target.shard.name)]
            if not found:
                raise UnknownTarget(f"No instance in the inventory matches {_shown(where)}.")
            if len(found) > where.limit:
                raise UnknownTarget(
                    f"{len(found)} instances match {_shown(where)}, and the step allows {where.limit}; narrow it, or "
                    "raise its `limit`."
                )
    return tuple(found)


def _no_primary(shard: Shard) -> str:
    if isinstance(shard, TabletShard):
        return f"The topology has no PRIMARY tablet for {shard.name}."
    return (
        f"The inventory has no primary for {shard.name}. Set `role: primary` on one of its instances in firstmate.yml."
    )


def out_of_place(use: str, reader: type, target: Target) -> str:
    """Returns why an action does not apply to this kind of target, or ''."""
    if reader is ProxySQL and not target.is_proxy:
        return f"{use} is for proxies, and {target.name} is a {target.instance.role.value}; use `on: proxies`."
    if reader is Vitess and not isinstance(target.instance, Tablet):
        return f"{use} is for tablets of Vitess, and {target.name} is not one; use a target such as commerce/-80."
    if reader is MySQL and target.is_proxy:
        return f"{use} is for servers, and {target.name} is a proxy; use `on: primary`, `replicas` or `shard`."
    return ""


def stand_in(remediation: Remediation, target: Target) -> str:
    """Returns the action that replaces this one on a tablet, or ''."""
    instead = remediation.on_tablet if isinstance(target.instance, Tablet) else ""
    return instead if instead in REMEDIATIONS else ""


def refused_on_tablet(use: str, remediation: Remediation, target: Target) -> str:
    """Returns why a change of a server is not allowed on a tablet, or ''."""
    if not isinstance(target.instance, Tablet) or not remediation.on_tablet:
        return ""
    if stand_in(remediation, target):
        return f"{target.name} is a tablet of Vitess, and {use} is not allowed on one: use {remediation.on_tablet}."
    return f"{target.name} is a tablet of Vitess, and {use} is not allowed on one: {remediation.on_tablet}"


def changed_at(targets: Sequence[Target]) -> list[Target]:
    """Returns where a change is made: in a ProxySQL Cluster only on the first proxy, which distributes it."""
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
    """Returns the alias of a tablet, or ''."""
    return target.instance.record.alias if isinstance(target.instance, Tablet) else ""


def _shown(where: Selector) -> str:
    given = {
        name: getattr(where, name) for name in ("role", "name", "shard", "tablet") if getattr(where, name) is not None
    }
    return ", ".join(f"{name} {value}" for name, value in given.items()) or "the shard"


def described(where: Place | Selector) -> str:
    """Describes the places for cards: `replicas`, or the conditions of the selector."""
    return where if isinstance(where, str) else _shown(where)


def shards(fleet: Fleet) -> list[str]:
    """Returns the names of all shards of the inventory."""
    return sorted({each.shard.name for each in fleet.targets()})


def known_shard(fleet: Fleet, name: str) -> None:
    """Raises UnknownTarget, with the nearest name, unless the inventory has this shard."""
    known = shards(fleet)
    if name not in known:
        raise UnknownTarget(f"There is no shard {name!r} in the inventory{did_you_mean(name, known) or '.'}")
