"""The servers of the fleet as the configuration names them: shards, instances, proxies and their users."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from actions.vitess_contract import Tablet as TopologyRecord
from bot.config.base import Secret, Settings


class Role(StrEnum):
    """The role of an instance in its shard."""

    PRIMARY = "primary"
    REPLICA = "replica"
    PROXY = "proxy"


class Trust(Settings):
    """How far one trusts that the servers are who they should be."""

    ca: Path | None = None
    """The authority of the servers' certificates. With it every connection is encrypted, and checked; without it, it is
    encrypted where the server offers that, whoever answers."""
    verify_identity: bool = True
    """Whether a certificate must be for the host that is asked, as MySQL's ssl-mode VERIFY_IDENTITY; else VERIFY_CA."""


class DatabaseUser(Trust):
    """A user of the database servers."""

    user: str
    password: Secret


class Instance(Settings):
    """One server of the fleet. `labels` hold further values of the alert label `instance` that mean this server."""

    name: str = Field(min_length=1, max_length=100)
    host: str
    port: int = 3306
    role: Role
    aliases: tuple[str, ...] = ()
    spare_port: int | None = None
    """MySQL's admin_port or MariaDB's extra_port, asked when all connections are taken."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class ProxyInstance(Instance):
    """The admin interface of one ProxySQL."""

    port: int = 6032
    role: Literal[Role.PROXY] = Role.PROXY
    spare_port: None = None


class Proxies(Settings):
    """The ProxySQL instances in front of a shard."""

    instances: tuple[ProxyInstance, ...] = Field(min_length=1)
    reader: DatabaseUser
    """One of `admin-stats_credentials`: it reads the statistics and cannot change anything."""
    changer: DatabaseUser | None = None
    """One of `admin-admin_credentials`; without it nothing is changed at the proxies."""
    cluster: bool = False
    """Whether they are a ProxySQL Cluster, in which one hands what is changed on it on to the others."""


class Shard(Settings):
    """One primary and its replicas; the unit that takes one change at a time."""

    name: str = Field(min_length=1, max_length=100)
    flavour: Literal["mysql", "mariadb"]
    instances: tuple[Instance, ...] = Field(min_length=1)
    reader: DatabaseUser
    changer: DatabaseUser | None = None
    """The user that may change; without it the deployment only reads."""
    proxies: Proxies | None = None
    """The proxies in front of it. They are no part of the shard's `instances`, and count as no replica."""

    @property
    def members(self) -> tuple[Instance, ...]:
        """Its servers, and the proxies in front of them."""
        return (*self.instances, *(self.proxies.instances if self.proxies else ()))

    @model_validator(mode="after")
    def _proxies_stand_apart(self) -> Shard:
        for instance in self.instances:
            if instance.role is Role.PROXY:
                raise ValueError(f"{instance.name} is a proxy; write it under `proxies` of {self.name}")
        return self


class Tablet(Instance):
    """A tablet of Vitess, with the address of the MySQL beneath it; made from the topology, never written by hand."""

    record: TopologyRecord
    """What the topology says of it."""


class TabletShard(Shard):
    """A shard of a keyspace; made from the topology, never written by hand."""

    cluster: str
    """The name of its cluster in the configuration."""
    keyspace: str
    key_range: str
    """Its name within its keyspace, such as `-80`."""
    may_change: bool = False
    """Whether Vitess itself may be asked to change it."""
    no_vtorc: bool = False
    """Whether no manager of the topology looks after it."""
