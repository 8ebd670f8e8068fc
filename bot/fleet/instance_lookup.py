"""Finds instances by name, address, alias or alert labels. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from bot.config import Shard, Tablet, TabletShard
from bot.engine.targets import Target
from bot.errors import UnknownTarget

LABELS = ("instance", "target", "host", "server", "node", "nodename", "pod")
"""Alert labels that may name an instance, the most specific first."""
ALIASES = ("tablet_alias", "alias", "tablet")
"""Labels of Vitess that name a tablet; they come before `instance`, which may be VTOrc's own address."""
KEYSPACES = ("keyspace",)
SHARDS = ("shard", "shard_name")
"""The labels of a shard: of VTOrc and vttablet, and of vtgate."""


class Inventory:
    """The instances of the fleet by name, address and alias, and the shards of Vitess by name."""

    def __init__(self, shards: tuple[Shard, ...], components: Mapping[str, str] | None = None) -> None:
        """`components` maps the address of each vtgate, VTOrc and vtctld to the name of its cluster."""
        self.shards = shards
        self._components = dict(components or {})
        self._by_name: dict[str, Target] = {}
        self._by_host: dict[str, list[Target]] = {}
        self._by_shard: dict[str, Target] = {}
        for shard in shards:
            if isinstance(shard, TabletShard):
                self._by_shard[shard.name] = _first(shard)
            for instance in shard.members:
                target = Target(instance, shard)
                self._by_host.setdefault(instance.host, []).append(target)
                for name in (instance.name, instance.address, *instance.aliases):
                    self._by_name[name] = target

    def find(self, name: str) -> Target:
        """Finds an instance; raises UnknownTarget with similar names."""
        name = name.strip()
        found = self._by_name.get(name) or self._by_shard.get(name) or self._by_role(name)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, [*self._by_name, *self._by_shard], n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else f" Known: {', '.join(self.names()[:10])}."
        raise UnknownTarget(f"There is no instance {name!r} in the inventory.{hint}")

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        """Finds the instance that an alert is about; a label with an unknown value does not end the search.

        Since an exporter has its own port, a label that matches no name maps to the only server of its host, or to the
        only proxy if the host has no server. An alert of Vitess about a shard maps to its primary; an alert about a
        vtgate or VTOrc maps to the first shard of its keyspace or cluster.
        """
        for label in (*ALIASES, *LABELS):
            found = self._by_name.get(labels.get(label, "")) or self._uid(labels, labels.get(label, ""))
            if found is not None:
                return found
        shard = self._by_topology(labels)
        if shard is not None:
            return shard
        for label in LABELS:
            there = self._by_host.get(labels.get(label, "").rsplit(":", 1)[0], [])
            there = [each for each in there if not each.is_proxy] or there
            if len(there) == 1:
                return there[0]
        return None

    def _by_role(self, name: str) -> Target | None:
        """Finds `SHARD@primary`, or the first replica for `SHARD@replica`."""
        shard, at, role = name.rpartition("@")
        there = [each for each in self.targets() if at and each.shard.name == shard]
        return next((each for each in there if each.instance.role.value == role), None)

    def _uid(self, labels: Mapping[str, str], text: str) -> Target | None:
        """Finds a tablet by a label that is only its uid, within the keyspace and shard of the labels."""
        if not text.isdigit():
            return None
        found = [
            each
            for each in self.targets()
            if isinstance(each.instance, Tablet) and each.instance.record.uid == int(text) and _fits(each, labels)
        ]
        return found[0] if len(found) == 1 else None

    def _by_topology(self, labels: Mapping[str, str]) -> Target | None:
        """Finds the primary of the shard that the labels of Vitess name; None if there is none or it is ambiguous."""
        addresses = [labels[label] for label in LABELS if labels.get(label) in self._components]
        cluster = self._components[addresses[0]] if addresses else labels.get("cluster", "")
        there = [each for each in self._by_shard.values() if _fits(each, labels)]
        named = [each for each in there if isinstance(each.shard, TabletShard) and each.shard.cluster == cluster]
        there = named or ([] if addresses else there)
        told = any(labels.get(label) for label in KEYSPACES)
        if not addresses and not told:
            return None
        # An alert about several shards of one keyspace maps to the first of them.
        clusters = {each.shard.cluster for each in there if isinstance(each.shard, TabletShard)}
        return there[0] if there and len(clusters) == 1 else None

    def targets(self) -> tuple[Target, ...]:
        """Returns every instance once, in the order of the configuration."""
        return tuple({target.name: target for target in self._by_name.values()}.values())

    def names(self) -> list[str]:
        """Returns the names of the instances."""
        return sorted({target.name for target in self._by_name.values()})


def _first(shard: TabletShard) -> Target:
    """Returns the primary of the shard, or its first tablet without one."""
    target = Target(shard.instances[0], shard)
    return Target(target.primary, shard) if target.primary else target


def _fits(target: Target, labels: Mapping[str, str]) -> bool:
    """Returns whether the labels name no other keyspace or shard than the target's."""
    shard = target.shard
    if not isinstance(shard, TabletShard):
        return False
    keyspace = next((labels[label] for label in KEYSPACES if labels.get(label)), shard.keyspace)
    key_range = next((labels[label] for label in SHARDS if labels.get(label)), shard.key_range)
    return keyspace == shard.keyspace and key_range in (shard.key_range, shard.name)
