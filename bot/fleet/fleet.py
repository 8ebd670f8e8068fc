"""The fleet as the engine sees it: the inventory, and connections as the right database user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from actions.contract import Endpoint, Flavour, MySQL, Prometheus
from actions.vitess_contract import Vitess
from bot.config import Config, DatabaseUser, Instance, Proxies, Role, Shard
from bot.engine.ports import Changer, Identity
from bot.engine.targets import Target
from bot.errors import NotAllowed
from bot.fleet import proxysql
from bot.fleet.connections import Server
from bot.fleet.cost_gate import CostGate
from bot.fleet.endpoint import ServerEndpoint
from bot.fleet.inventory import Inventory
from bot.fleet.mysql import identity, open_changer, open_reader
from bot.fleet.prometheus import PrometheusReader
from bot.fleet.vitess.clusters import Clusters
from bot.fleet.vitess.reader import VitessReader


class ConfiguredFleet:
    """Implements bot.engine.ports.Fleet for the shards of a configuration."""

    def __init__(self, config: Config) -> None:
        self._static = config.shards
        self._clusters = Clusters(config.vitess)
        self._known: Inventory | None = None
        self._gate = CostGate()
        self._prometheus = PrometheusReader(config.prometheus.url) if config.prometheus else None

    @property
    def prometheus(self) -> Prometheus | None:
        return self._prometheus

    @property
    def _inventory(self) -> Inventory:
        """The inventory as the topologies are now; made anew only where one of them changed."""
        shards = (*self._static, *self._clusters.shards())
        known = self._known
        if known is None or known.shards != shards:
            known = self._known = Inventory(shards, self._clusters.components())
        return known

    def doubts(self, shard: Shard) -> str:
        return self._clusters.doubts(shard)

    def find(self, name: str) -> Target:
        return self._inventory.find(name)

    def targets(self) -> Sequence[Target]:
        return self._inventory.targets()

    def find_by_labels(self, labels: Mapping[str, str]) -> Target | None:
        return self._inventory.find_by_labels(labels)

    def names(self) -> list[str]:
        """The instances' names, for help texts."""
        return self._inventory.names()

    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> AbstractContextManager[MySQL]:
        """Connects as the user that reads: of the shard, or of its proxies; or reads Vitess from a tablet."""
        if reader is Vitess:
            return self._clusters.read(shard, instance, lambda tablet: self.read(shard, tablet))
        if instance.role is Role.PROXY:
            return proxysql.open_reader(_server(instance, _proxies(shard, instance).reader))
        return open_reader(_server(instance, shard.reader), gate=self._gate)

    def endpoint(self, shard: Shard, instance: Instance) -> Endpoint:
        """The port of an instance, to be tried from outside, as the user that reads there."""
        user = _proxies(shard, instance).reader if instance.role is Role.PROXY else shard.reader
        return ServerEndpoint(_server(instance, user))

    def change(self, shard: Shard, instance: Instance, reader: type = MySQL) -> AbstractContextManager[Changer]:
        """Connects as the user that may change; raises NotAllowed where none is set."""
        if reader is Vitess:
            return self._clusters.change(shard, instance, lambda tablet: self.read(shard, tablet))
        if instance.role is Role.PROXY:
            return self._change_proxy(shard, instance)
        user = shard.changer
        if user is None:
            raise NotAllowed(
                f"No user may change {shard.name}: this deployment only reads. Set `changer` of the shard to allow it."
            )
        return open_changer(_server(instance, user))

    def _change_proxy(self, shard: Shard, instance: Instance) -> AbstractContextManager[Changer]:
        user = _proxies(shard, instance).changer
        if user is None:
            raise NotAllowed(
                f"No user may change the proxies of {shard.name}: this deployment only reads them. Set `changer` of "
                "its `proxies` to allow it."
            )
        return proxysql.open_changer(_server(instance, user))

    def close(self) -> None:
        """Ends the looking at topologies."""
        self._clusters.close()

    def identify(self, db: MySQL) -> Identity:
        """Who the server says it is: a server that replicates is a replica, whatever its read_only says.

        A ProxySQL has no identity of its own to tell; it is known by where it answers, and by its version.
        """
        if isinstance(db, VitessReader):
            return db.identify()
        if db.version.flavour is Flavour.PROXYSQL:
            return Identity(f"{db.version} at {db.address}", Role.PROXY, f"it answers as the admin of {db.version}")
        seen = identity(db)
        if seen.is_replica:
            return Identity(seen.server_uuid, Role.REPLICA, f"it replicates from {seen.source}")
        writable = "read-only" if seen.read_only else "writable"
        says = f"it replicates from nobody, is {writable}, and {seen.connected_replicas} replicas are connected"
        return Identity(seen.server_uuid, Role.PRIMARY, says)


def _proxies(shard: Shard, instance: Instance) -> Proxies:
    if shard.proxies is None:
        raise NotAllowed(f"{shard.name} has no `proxies`, so nobody may ask {instance.name}.")
    return shard.proxies


def _server(instance: Instance, user: DatabaseUser) -> Server:
    password = user.password.read()
    return Server(instance.host, instance.port, user.user, password, instance.spare_port, user.ca, user.verify_identity)
