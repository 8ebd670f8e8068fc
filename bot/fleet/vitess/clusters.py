"""All Vitess clusters of the configuration: their topologies, and the readers and changers of their shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from bot.config import Shard, Tablet, TabletShard, VitessCluster
from bot.errors import NotAllowed
from bot.fleet.vitess.changer import VitessChanger, open_changer
from bot.fleet.vitess.reader import Beneath, Source, VitessReader, open_reader
from bot.fleet.vitess.topology import Topology
from bot.fleet.vitess.vtctld import Vtctld


class Clusters:
    """The Vitess clusters by name; each is contacted only when it is needed."""

    def __init__(self, clusters: Sequence[VitessCluster]) -> None:
        qualified = len(clusters) > 1
        self._sources: dict[str, Source] = {}
        self._topologies: dict[str, Topology] = {}
        for cluster in clusters:
            vtctld = Vtctld(cluster.vtctld)
            self._sources[cluster.name] = Source(cluster, vtctld)
            self._topologies[cluster.name] = Topology(cluster, vtctld, qualified=qualified)

    def shards(self) -> tuple[TabletShard, ...]:
        """Returns the shards of all clusters, as last read."""
        return tuple(shard for topology in self._topologies.values() for shard in topology.shards())

    def doubts(self, shard: Shard) -> str:
        """Returns why the inventory of a shard may be outdated; '' if it is fresh or not of Vitess."""
        return self._topologies[shard.cluster].doubts if isinstance(shard, TabletShard) else ""

    def components(self) -> Mapping[str, str]:
        """Returns the address (`host:port`) of each vtgate, VTOrc and vtctld -> the name of its cluster."""
        return {
            address: cluster.name
            for cluster in (source.cluster for source in self._sources.values())
            for address in (
                cluster.vtctld.address,
                *(urlsplit(url).netloc for url in cluster.vtorcs),
                *(urlsplit(each.url).netloc for each in cluster.vtgates),
                *(each.mysql for each in cluster.vtgates if each.mysql),
            )
        }

    def cluster(self, shard: TabletShard) -> VitessCluster:
        """Returns the settings of a shard's cluster."""
        return self._sources[shard.cluster].cluster

    def read(self, shard: Shard, tablet: object, beneath: Beneath) -> AbstractContextManager[VitessReader]:
        """Opens a reader of a shard through one of its tablets; raises NotAllowed for another instance."""
        here, at = _tablet(shard, tablet)
        return open_reader(self._sources[here.cluster], here, at, beneath)

    def change(self, shard: Shard, tablet: object, beneath: Beneath) -> AbstractContextManager[VitessChanger]:
        """Opens a changer of a shard through one of its tablets; raises NotAllowed."""
        here, at = _tablet(shard, tablet)
        return open_changer(self._sources[here.cluster], here, at, beneath)

    def close(self) -> None:
        """Stops reading the topologies."""
        for topology in self._topologies.values():
            topology.close()


def _tablet(shard: Shard, tablet: object) -> tuple[TabletShard, Tablet]:
    if isinstance(shard, TabletShard) and isinstance(tablet, Tablet):
        return shard, tablet
    raise NotAllowed(f"{getattr(tablet, 'name', tablet)} of {shard.name} is not a Vitess tablet.")
