"""Which instances there are, by every name that people and alerts call them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from bot.config import Shard, Tablet, TabletShard
from bot.engine.targets import Target
from bot.errors import UnknownTarget

LABELS = ("instance", "target", "host", "server", "node", "nodename", "pod")
"""Labels of alerts that may name an instance, the most telling first."""
ALIASES = ("tablet_alias", "alias", "tablet")
"""Labels of Vitess that name a tablet; they go before the instance, which may be VTOrc's."""
KEYSPACES = ("keyspace",)
SHARDS = ("shard", "shard_name")
"""Of VTOrc and vttablet, and of vtgate."""


class Inventory:
    """The instances of the fleet, found by name, address or alias; shards of Vitess by their names, too."""

    def __init__(self, shards: tuple[Shard, ...], components: Mapping[str, str] | None = None) -> None:
        """`components` names the cluster of Vitess by the address of each vtgate, VTOrc and vtctld."""
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
        """Finds an instance; raises UnknownTarget with the nearest names."""
        name = name.strip()
        found = self._by_name.get(name) or self._by_shard.get(name) or self._by_role(name)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, [*self._by_name, *self._by_shard], n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else f" Known: {', '.join(self.names()[:10])}."
        raise UnknownTarget(f"The inventory knows no instance {name!r}.{hint}")

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        """Finds the instance that an alert is about; a label that is present and unknown does not end the search.

        An exporter has a port of its own: where no name fits, the only server of the label's host is meant, or the only
        proxy where the host has no server. What Vitess says of a shard means its primary; what a vtgate or VTOrc says
        of itself, the first shard of its keyspace or of its cluster.
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
        """`SHARD@primary`, or the first replica for `SHARD@replica`."""
        shard, at, role = name.rpartition("@")
        there = [each for each in self.targets() if at and each.shard.name == shard]
        return next((each for each in there if each.instance.role.value == role), None)

    def _uid(self, labels: Mapping[str, str], text: str) -> Target | None:
        """A tablet by its uid alone, where the label holds nothing else and its keyspace is told."""
        if not text.isdigit():
            return None
        found = [
            each
            for each in self.targets()
            if isinstance(each.instance, Tablet) and each.instance.record.uid == int(text) and _fits(each, labels)
        ]
        return found[0] if len(found) == 1 else None

    def _by_topology(self, labels: Mapping[str, str]) -> Target | None:
        """The shard that the labels of Vitess name, as its primary; None where it is none, or one of several."""
        addresses = [labels[label] for label in LABELS if labels.get(label) in self._components]
        cluster = self._components[addresses[0]] if addresses else labels.get("cluster", "")
        there = [each for each in self._by_shard.values() if _fits(each, labels)]
        named = [each for each in there if isinstance(each.shard, TabletShard) and each.shard.cluster == cluster]
        there = named or ([] if addresses else there)
        told = any(labels.get(label) for label in KEYSPACES)
        if not addresses and not told:
            return None
        # Several shards of one keyspace: what is said of all of them is looked at from the first.
        clusters = {each.shard.cluster for each in there if isinstance(each.shard, TabletShard)}
        return there[0] if there and len(clusters) == 1 else None

    def targets(self) -> tuple[Target, ...]:
        """Every instance once, in the order of the configuration."""
        return tuple({target.name: target for target in self._by_name.values()}.values())

    def names(self) -> list[str]:
        """The instances' own names."""
        return sorted({target.name for target in self._by_name.values()})


def _first(shard: TabletShard) -> Target:
    """The shard's primary, or its first tablet where it has none."""
    target = Target(shard.instances[0], shard)
    return Target(target.primary, shard) if target.primary else target


def _fits(target: Target, labels: Mapping[str, str]) -> bool:
    """Whether the keyspace and the shard of the labels, where they are told, are the target's."""
    shard = target.shard
    if not isinstance(shard, TabletShard):
        return False
    keyspace = next((labels[label] for label in KEYSPACES if labels.get(label)), shard.keyspace)
    key_range = next((labels[label] for label in SHARDS if labels.get(label)), shard.key_range)
    return keyspace == shard.keyspace and key_range in (shard.key_range, shard.name)
