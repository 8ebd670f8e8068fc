"""The tablets, names and ports of the cluster."""

from __future__ import annotations

from dataclasses import dataclass

from bot.lab.lab_state import LabTablet, LabVitess
from bot.lab.server_data_directories import HOST

CELL = "zone1"
KEYSPACE = "commerce"
SHARDS = ("-80", "80-")
TABLETS_PER_SHARD = 3
FIRST_UID = 100

_SINGLE = ("etcd", "etcd peer", "vtctld", "vtctld grpc", "vtorc", "vtgate", "vtgate grpc", "vtgate mysql")


@dataclass(frozen=True)
class TabletPlan:
    """One tablet to start; VTOrc chooses which one becomes the primary."""

    uid: int
    shard: str

    @property
    def alias(self) -> str:
        return f"{CELL}-{self.uid:010d}"

    @property
    def vttablet(self) -> str:
        return f"vttablet-{self.uid}"

    @property
    def mysqld(self) -> str:
        return f"mysqld-{self.uid}"

    @property
    def ports(self) -> tuple[str, ...]:
        """The names of its ports."""
        return tuple(f"{self.uid} {use}" for use in ("http", "grpc", "mysql", "spare"))


PLANS = tuple(
    TabletPlan(FIRST_UID + shard * TABLETS_PER_SHARD + number, name)
    for shard, name in enumerate(SHARDS)
    for number in range(TABLETS_PER_SHARD)
)

PORTS = (*_SINGLE, *(port for plan in PLANS for port in plan.ports))


def cluster_on(ports: dict[str, int]) -> LabVitess:
    """Returns the cluster on these ports, which are named as in PORTS."""

    def address(name: str) -> str:
        return f"{HOST}:{ports[name]}"

    return LabVitess(
        cell=CELL,
        keyspace=KEYSPACE,
        etcd=address("etcd"),
        vtctld=address("vtctld grpc"),
        vtctld_url=f"http://{address('vtctld')}",
        vtorc=f"http://{address('vtorc')}",
        vtgate=f"http://{address('vtgate')}",
        vtgate_mysql=address("vtgate mysql"),
        tablets=tuple(
            LabTablet(
                alias=plan.alias,
                uid=plan.uid,
                shard=plan.shard,
                http_port=ports[f"{plan.uid} http"],
                grpc_port=ports[f"{plan.uid} grpc"],
                mysql_port=ports[f"{plan.uid} mysql"],
                vttablet=plan.vttablet,
                mysqld=plan.mysqld,
            )
            for plan in PLANS
        ),
    )
