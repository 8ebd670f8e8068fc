"""Which instances there are, by every name that people and alerts call them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from bot.config import Shard
from bot.engine.state import Target
from bot.errors import UnknownTarget

LABELS = ("instance", "target", "host", "server", "node", "nodename", "pod")
"""Labels of alerts that may name an instance, the most telling first."""


class Inventory:
    """The instances of the configuration, found by name, address or alias."""

    def __init__(self, shards: tuple[Shard, ...]) -> None:
        self._by_name: dict[str, Target] = {}
        self._by_host: dict[str, list[Target]] = {}
        for shard in shards:
            for instance in shard.members:
                target = Target(instance, shard)
                self._by_host.setdefault(instance.host, []).append(target)
                for name in (instance.name, instance.address, *instance.aliases):
                    self._by_name[name] = target

    def find(self, name: str) -> Target:
        """Finds an instance; raises UnknownTarget with the nearest names."""
        found = self._by_name.get(name.strip())
        if found is not None:
            return found
        near = difflib.get_close_matches(name, self._by_name, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else f" Known: {', '.join(self.names()[:10])}."
        raise UnknownTarget(f"The inventory knows no instance {name!r}.{hint}")

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        """Finds the instance that an alert is about; a label that is present and unknown does not end the search.

        An exporter has a port of its own: where no name fits, the only server of the label's host is meant, or the only
        proxy where the host has no server.
        """
        for label in LABELS:
            found = self._by_name.get(labels.get(label, ""))
            if found is not None:
                return found
        for label in LABELS:
            there = self._by_host.get(labels.get(label, "").rsplit(":", 1)[0], [])
            there = [each for each in there if not each.is_proxy] or there
            if len(there) == 1:
                return there[0]
        return None

    def targets(self) -> tuple[Target, ...]:
        """Every instance once, in the order of the configuration."""
        return tuple({target.name: target for target in self._by_name.values()}.values())

    def names(self) -> list[str]:
        """The instances' own names."""
        return sorted({target.name for target in self._by_name.values()})
