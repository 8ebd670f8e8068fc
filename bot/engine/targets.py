"""The target of diagnostics and changes: an instance of the fleet with its shard."""

from __future__ import annotations

from dataclasses import dataclass

from actions.vitess_contract import Vitess
from bot.config import Instance, Role, Shard, TabletShard


@dataclass(frozen=True, slots=True)
class Target:
    """An instance of the fleet with its shard."""

    instance: Instance
    shard: Shard

    @property
    def name(self) -> str:
        return self.instance.name

    @property
    def primary(self) -> Instance | None:
        return next((i for i in self.shard.instances if i.role is Role.PRIMARY), None)

    @property
    def replicas(self) -> tuple[Instance, ...]:
        return tuple(i for i in self.shard.instances if i.role is Role.REPLICA)

    @property
    def proxies(self) -> tuple[Instance, ...]:
        return self.shard.proxies.instances if self.shard.proxies else ()

    @property
    def is_proxy(self) -> bool:
        return self.instance.role is Role.PROXY

    def may_be_changed(self, reader: type) -> bool:
        """Returns whether an action of this kind may change it: a user for changes, or Vitess, is configured."""
        if reader is Vitess:
            return isinstance(self.shard, TabletShard) and self.shard.may_change
        if self.is_proxy:
            return self.shard.proxies is not None and self.shard.proxies.changer is not None
        return self.shard.changer is not None
