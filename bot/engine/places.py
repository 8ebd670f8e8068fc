"""Which instances a step means by its `on`, and which shards there are. Pure, over the inventory."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from bot.engine.ports import Fleet
from bot.engine.state import Target
from bot.errors import UnknownTarget
from bot.runbook.parts import Place, Selector
from bot.runbook.signatures import near


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
        case "shard":
            # Whatever is done to all of a shard is done to its primary last.
            found = sorted(shard, key=lambda each: each.instance == target.primary)
        case Selector():
            found = [each for each in (inventory if where.shard else shard) if _fits(where, each)]
            if not found:
                raise UnknownTarget(f"No instance of the inventory fits {_shown(where)}.")
            if len(found) > where.limit:
                raise UnknownTarget(
                    f"{len(found)} instances fit {_shown(where)}, and the step takes {where.limit}; narrow it, or "
                    "raise its `limit`."
                )
    return tuple(found)


def _fits(where: Selector, target: Target) -> bool:
    return (
        (where.role is None or where.role == target.instance.role.value)
        and (where.name is None or fnmatchcase(target.name, where.name))
        and (where.shard is None or fnmatchcase(target.shard.name, where.shard))
    )


def _shown(where: Selector) -> str:
    given = {name: getattr(where, name) for name in ("role", "name", "shard") if getattr(where, name) is not None}
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
        raise UnknownTarget(f"The inventory knows no shard {name!r}{near(name, known)}")
