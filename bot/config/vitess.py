"""Vitess clusters: the addresses and credentials of their components."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from bot.config.inventory import DatabaseUser, TlsSettings
from bot.config.settings_base import Secret, Settings


class VtctldSettings(Settings):
    """The gRPC service of vtctld, which reads the topology and makes the changes."""

    address: Annotated[str, Field(pattern=r"^[^\s/]+:\d{1,5}$")]
    """`host:port` of its gRPC service."""
    ca: Path | None = None
    """A PEM file with the certificate authority of vtctld; with it, the connection uses TLS."""
    tls: bool = False
    """Uses TLS with the certificate authorities of the operating system; not needed with `ca`."""
    certificate: Path | None = None
    """A PEM file with the client certificate, if vtctld requires one."""
    key: Path | None = None
    """A PEM file with the private key of `certificate`."""
    server_name: str | None = None
    """The host name in its certificate, if it differs from the host of `address`."""
    user: str | None = None
    """The user name for static authentication (`--grpc-auth-mode static`)."""
    password: Secret | None = None
    """The password for static authentication: `{env: NAME}` or `{file: PATH}`."""

    @model_validator(mode="after")
    def _pairs(self) -> VtctldSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("static authentication needs both `user` and `password`")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client certificate needs both `certificate` and `key`")
        return self

    @property
    def encrypted(self) -> bool:
        return self.tls or self.ca is not None or self.certificate is not None


class VtgateSettings(TlsSettings):
    """One vtgate."""

    url: str
    """Its HTTP address, for its status pages and metrics."""
    mysql: Annotated[str, Field(pattern=r"^[^\s/]+:\d{1,5}$")] | None = None
    """`host:port` of its MySQL protocol, for `SHOW VITESS_*`; without it, those statements are not run."""
    user: str = ""
    """A user of its `--mysql-auth-server-static-file`; leave it out if vtgate does not authenticate clients."""
    password: Secret | None = None
    """The password of `user`: `{env: NAME}` or `{file: PATH}`."""

    ca: Path | None = None
    """A PEM file with the certificate authority of vtgate. With it, every MySQL connection uses TLS and vtgate's
    certificate is verified. Without it, TLS is used if vtgate offers it, and its certificate is not verified."""
    verify_identity: bool = True
    """With `ca`: whether the certificate must also match the host of `mysql`, as with MySQL's
    `ssl-mode=VERIFY_IDENTITY`; `false` corresponds to `VERIFY_CA`."""

    _url = field_validator("url")(lambda value: _web(value))


class VitessCluster(Settings):
    """A Vitess cluster. Its keyspaces, shards and tablets are read from its topology through vtctld."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
    """The name of the cluster; with several clusters it prefixes their shards and tablets."""
    vtctld: VtctldSettings
    """The connection to vtctld."""
    vtorcs: tuple[str, ...] = ()
    """The HTTP addresses of all VTOrcs. Without them, Firstmate cannot tell whether VTOrc is repairing a shard, and it
    refuses every change of the cluster unless `no_vtorc` is set."""
    no_vtorc: bool = False
    """States that neither VTOrc nor another topology manager runs on this cluster."""
    vtgates: tuple[VtgateSettings, ...] = ()
    """The vtgates of the cluster."""
    reader: DatabaseUser
    """The MySQL user of the tablets that diagnostics run as."""
    changer: DatabaseUser | None = None
    """The MySQL user of the tablets that remediations run as; without it, no SQL statement changes anything."""
    may_change: bool = False
    """Whether Firstmate may change the cluster through vtctld and VTOrc."""
    refresh: Annotated[float, Field(ge=0.2, le=300)] = 5.0
    """Seconds between two reads of the topology."""
    keyspaces: tuple[str, ...] = ("*",)
    """Patterns of the keyspaces to include; `*` and `?` are wildcards."""

    _urls = field_validator("vtorcs")(lambda value: tuple(_web(each) for each in value))

    @model_validator(mode="after")
    def _vtorc_is_or_is_not(self) -> VitessCluster:
        if self.vtorcs and self.no_vtorc:
            raise ValueError("`no_vtorc: true` and `vtorcs` contradict each other; remove one of them")
        return self


def _web(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is not an HTTP address; write http://host:port")
    return url.rstrip("/")
