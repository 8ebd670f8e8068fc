"""The inventory: shards, instances, proxies and the users that Firstmate connects as."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from actions.vitess_contract import Tablet as TopologyRecord
from bot.config.settings_base import Secret, Settings, Takes


class Role(StrEnum):
    """The role of an instance in its shard."""

    PRIMARY = "primary"
    REPLICA = "replica"
    PROXY = "proxy"


class TlsSettings(Settings):
    """How the identity of a server is verified."""

    ca: Path | None = None
    """A PEM file with the certificate authority of the servers. With it, every connection uses TLS and the server's
    certificate is verified. Without it, TLS is used if the server offers it, and its certificate is not verified."""
    verify_identity: bool = True
    """With `ca`: whether the certificate must also match the host name, as with MySQL's `ssl-mode=VERIFY_IDENTITY`;
    `false` corresponds to `VERIFY_CA`, and is needed for certificates that MySQL generates itself."""


class DatabaseUser(TlsSettings):
    """A user that Firstmate connects as."""

    user: str
    """The user name."""
    password: Secret
    """The password: `{env: NAME}` or `{file: PATH}`."""


class Instance(Settings):
    """One database server."""

    name: str = Field(min_length=1, max_length=100)
    """The name in cards and commands; unique in the fleet."""
    host: str
    """The host name or IP address that Firstmate connects to."""
    port: int = 3306
    """The port that Firstmate connects to."""
    role: Annotated[Role, Takes("`primary`, `replica`")]
    """The role of the server in its shard. Changes are refused while the server itself has another role."""
    aliases: tuple[str, ...] = ()
    """Further values of the alert label `instance` that map to this server, such as the address of its exporter."""
    spare_port: int | None = None
    """The administrative port, used when `max_connections` is reached: the value of `admin_port` (MySQL 8.0.14 and
    later, only with `admin_address` set) or `extra_port` (MariaDB)."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class ProxyInstance(Instance):
    """The admin interface of one ProxySQL."""

    port: int = 6032
    """The port of the admin interface."""
    role: Literal[Role.PROXY] = Role.PROXY
    """Always `proxy`."""
    spare_port: None = None
    """Not available: ProxySQL has no reserved port."""


class Proxies(Settings):
    """The ProxySQL instances in front of a shard."""

    instances: tuple[ProxyInstance, ...] = Field(min_length=1)
    """The admin interface of each ProxySQL."""
    reader: DatabaseUser
    """A user of `admin-stats_credentials`, which can read statistics and cannot change anything."""
    changer: DatabaseUser | None = None
    """A user of `admin-admin_credentials`; without it, Firstmate does not change the proxies."""
    cluster: bool = False
    """Whether they form a ProxySQL Cluster, which propagates a change of one proxy to the others."""


class Shard(Settings):
    """A primary and its replicas. Firstmate runs at most one change per shard at a time."""

    name: str = Field(min_length=1, max_length=100)
    """The name of the shard in cards, commands and the policy."""
    flavour: Literal["mysql", "mariadb"]
    """The server software of all instances; Percona Server is `mysql`."""
    instances: tuple[Instance, ...] = Field(min_length=1)
    """The database servers of the shard."""
    reader: DatabaseUser
    """The user that diagnostics run as."""
    changer: DatabaseUser | None = None
    """The user that remediations run as; without it, Firstmate changes nothing in this shard."""
    proxies: Proxies | None = None
    """The ProxySQL instances in front of the shard. They do not count as replicas."""

    @property
    def members(self) -> tuple[Instance, ...]:
        """The database servers of the shard and the proxies in front of them."""
        return (*self.instances, *(self.proxies.instances if self.proxies else ()))

    @model_validator(mode="after")
    def _instances_are_no_proxies(self) -> Shard:
        for instance in self.instances:
            if instance.role is Role.PROXY:
                raise ValueError(
                    f"{instance.name} is a proxy; list it under `proxies` of {self.name}, not under `instances`"
                )
        return self


class Tablet(Instance):
    """A Vitess tablet, with the address of its MySQL server. Built from the topology, never configured."""

    record: TopologyRecord
    """The tablet's record in the topology."""


class TabletShard(Shard):
    """A shard of a keyspace. Built from the topology, never configured."""

    cluster: str
    """The name of its cluster in the configuration."""
    keyspace: str
    """The name of its keyspace."""
    key_range: str
    """The name within its keyspace, such as `-80`."""
    may_change: bool = False
    """Whether it may be changed through vtctld and VTOrc."""
    no_vtorc: bool = False
    """Whether no VTOrc manages it."""
