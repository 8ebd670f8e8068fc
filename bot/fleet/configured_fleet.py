"""The fleet as the engine uses it: the inventory, and connections as the reader or the changer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from actions.contract import MySQL
from actions.endpoint_contract import Endpoint
from actions.prometheus_contract import Prometheus
from actions.shard_contract import ShardMembers
from actions.vitess_contract import Vitess
from bot.config import Config, DatabaseUser, Instance, Proxies, Role, Shard
from bot.engine.ports import Changer, Identity
from bot.engine.targets import Target
from bot.errors import NotAllowed
from bot.fleet import proxysql_sessions, server_identity
from bot.fleet.cost_gate import CostGate
from bot.fleet.endpoint_probe import ServerEndpoint
from bot.fleet.instance_lookup import Inventory
from bot.fleet.mysql_connections import Server
from bot.fleet.mysql_sessions import open_changer, open_reader
from bot.fleet.prometheus_reader import PrometheusReader
from bot.fleet.shard_members import MembersOfShard
from bot.fleet.vitess.clusters import Clusters


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
        """The current inventory, rebuilt only if a topology changed."""
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
        """Returns the names of the instances, for help texts."""
        return self._inventory.names()

    def read(self, shard: Shard, instance: Instance, reader: type = MySQL) -> AbstractContextManager[MySQL]:
        """Connects as the reader of the shard or of its proxies; a Vitess reader reads through a tablet."""
        if reader is Vitess:
            return self._clusters.read(shard, instance, lambda tablet: self.read(shard, tablet))
        if instance.role is Role.PROXY:
            return proxysql_sessions.open_reader(_server(instance, _proxies(shard, instance).reader))
        return open_reader(_server(instance, shard.reader), gate=self._gate)

    def endpoint(self, shard: Shard, instance: Instance) -> Endpoint:
        """Returns the port of an instance, to be probed as the reader."""
        user = _proxies(shard, instance).reader if instance.role is Role.PROXY else shard.reader
        return ServerEndpoint(_server(instance, user))

    def change(self, shard: Shard, instance: Instance, reader: type = MySQL) -> AbstractContextManager[Changer]:
        """Connects as the changer; raises NotAllowed if none is configured."""
        if reader is Vitess:
            return self._clusters.change(shard, instance, lambda tablet: self.read(shard, tablet))
        if instance.role is Role.PROXY:
            return self._change_proxy(shard, instance)
        user = shard.changer
        if user is None:
            raise NotAllowed(
                f"{shard.name} is read-only for Firstmate. To allow changes, set its `changer` in firstmate.yml."
            )
        return open_changer(_server(instance, user))

    def _change_proxy(self, shard: Shard, instance: Instance) -> AbstractContextManager[Changer]:
        user = _proxies(shard, instance).changer
        if user is None:
            raise NotAllowed(
                f"The proxies of {shard.name} are read-only for Firstmate. To allow changes, set `changer` of its "
                "`proxies` in firstmate.yml."
            )
        return proxysql_sessions.open_changer(_server(instance, user))

    def close(self) -> None:
        """Stops reading the topologies."""
        self._clusters.close()

    def identify(self, db: MySQL) -> Identity:
        """Returns the identity and role of a server."""
        return server_identity.identify(db)

    def members(self, shard: Shard) -> ShardMembers:
        """Returns the database servers of a shard, which are read in parallel as its reader."""
        return MembersOfShard(shard, self.read)


def _proxies(shard: Shard, instance: Instance) -> Proxies:
    if shard.proxies is None:
        raise NotAllowed(f"{shard.name} has no `proxies` in firstmate.yml, so {instance.name} cannot be read.")
    return shard.proxies


def _server(instance: Instance, user: DatabaseUser) -> Server:
    password = user.password.read()
    return Server(instance.host, instance.port, user.user, password, instance.spare_port, user.ca, user.verify_identity)
