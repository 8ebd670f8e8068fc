"""Where the components of a Vitess cluster answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from bot.config.base import Secret, Settings
from bot.config.inventory import DatabaseUser, Trust


class VtctldSettings(Settings):
    """vtctld's gRPC, the only way in which a cluster is changed."""

    address: Annotated[str, Field(pattern=r"^[^\s/]+:\d{1,5}$")]
    """`host:port` of its gRPC."""
    ca: Path | None = None
    """The certificates that its own is held against; with it, or with `tls`, the connection is encrypted."""
    tls: bool = False
    """TLS against the certificates of the system, where `ca` is not set."""
    certificate: Path | None = None
    key: Path | None = None
    """The client's own certificate and key, where vtctld asks for one."""
    server_name: str | None = None
    """The name in its certificate, where it is not the one of the address."""
    user: str | None = None
    password: Secret | None = None
    """For its static authentication (`--grpc-auth-mode static`)."""

    @model_validator(mode="after")
    def _pairs(self) -> VtctldSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("static authentication takes `user` and `password`")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate of the client takes `certificate` and `key`")
        return self

    @property
    def encrypted(self) -> bool:
        return self.tls or self.ca is not None or self.certificate is not None


class VtgateSettings(Trust):
    """One vtgate."""

    url: str
    """Its web address, for its pages and metrics."""
    mysql: Annotated[str, Field(pattern=r"^[^\s/]+:\d{1,5}$")] | None = None
    """`host:port` of its MySQL protocol, for SHOW VITESS_*; without it those are left out."""
    user: str = ""
    password: Secret | None = None
    """Of `--mysql-auth-server-static-file`; without them the vtgate must let everybody in."""

    _url = field_validator("url")(lambda value: _web(value))


class VitessCluster(Settings):
    """One cluster: its keyspaces, shards and tablets are read from its topology through vtctld."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
    vtctld: VtctldSettings
    vtorcs: tuple[str, ...] = ()
    """The web addresses of all VTOrcs. Without them nobody can tell whether VTOrc is repairing a shard, and nothing is
    changed there."""
    no_vtorc: bool = False
    """Says that no VTOrc, nor another manager of the topology, runs on this cluster."""
    vtgates: tuple[VtgateSettings, ...] = ()
    reader: DatabaseUser
    """Of the MySQL beneath the tablets."""
    changer: DatabaseUser | None = None
    """Of the MySQL beneath the tablets; without it no action of MySQL changes them."""
    may_change: bool = False
    """Whether Vitess may be asked to change the cluster, through vtctld and VTOrc."""
    refresh: Annotated[float, Field(ge=0.2, le=300)] = 5.0
    """Seconds between two looks at the topology."""
    keyspaces: tuple[str, ...] = ("*",)
    """Patterns of the keyspaces to look after, with `*` and `?`."""

    _urls = field_validator("vtorcs")(lambda value: tuple(_web(each) for each in value))

    @model_validator(mode="after")
    def _vtorc_is_or_is_not(self) -> VitessCluster:
        if self.vtorcs and self.no_vtorc:
            raise ValueError("`no_vtorc` says that there is none, and `vtorcs` names some")
        return self


def _web(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is no web address; write http://host:port")
    return url.rstrip("/")
