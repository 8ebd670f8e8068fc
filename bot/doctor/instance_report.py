"""The doctor's reports on one server and on one service. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actions.contract import Flavour, ServerVersion
from bot.config import Role
from bot.doctor.user_privileges import UserReport
from bot.engine.targets import Target

FLAVOURS = {Flavour.MYSQL: "MySQL", Flavour.MARIADB: "MariaDB", Flavour.PROXYSQL: "ProxySQL"}


@dataclass(frozen=True, slots=True)
class InstanceReport:
    """The report on one server of the inventory."""

    target: Target
    says: str = ""
    """Why it could not be inspected: it is down, or did not answer in time; '' otherwise."""
    version: ServerVersion | None = None
    tls: bool | None = None
    """Whether the connection was encrypted; None without a connection."""
    super_read_only: bool = False
    role: Role | None = None
    """As the server reports it."""
    role_says: str = ""
    """How the role was read, or why it could not be."""
    spare_port_says: str = ""
    """Why the reader cannot use the spare port; '' if it can, or without a spare port."""
    users: tuple[UserReport, ...] = ()

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def address(self) -> str:
        return self.target.instance.address

    @property
    def reachable(self) -> bool:
        return not self.says

    @property
    def certificate_checked(self) -> bool:
        """Whether the connections of all its users verify the server's certificate."""
        shard = self.target.shard
        users = shard.proxies if self.target.is_proxy and shard.proxies is not None else shard
        return all(user.ca is not None for user in (users.reader, users.changer) if user is not None)

    @property
    def server(self) -> str:
        """The flavour and version as text."""
        if self.version is None:
            return "a server of unknown version"
        return f"{FLAVOURS[self.version.flavour]} {'.'.join(map(str, self.version.number))}"

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems, one sentence each."""
        if self.says:
            return (self.says,)
        found = [self._flavour(), self._role(), self.spare_port_says]
        for user in self.users:
            found += user.problems
        return tuple(dict.fromkeys(filter(None, found)))

    def _flavour(self) -> str:
        declared = Flavour.PROXYSQL if self.target.is_proxy else Flavour(self.target.shard.flavour)
        if self.version is None or self.version.flavour is declared:
            return ""
        return f"The server is {self.server}, but the inventory says {declared.value}. Correct `flavour` of the shard."

    def _role(self) -> str:
        declared = self.target.instance.role
        if self.role is not None:
            if self.role is declared:
                return ""
            return (
                f"The server is a {self.role.value} ({self.role_says}), but the inventory says {declared.value}. "
                "Correct `role` in the inventory, or find out who changed the server. Firstmate changes nothing there "
                "until they agree."
            )
        lacking = any(user.missing or user.says for user in self.users if user.kind == "reader")
        # Missing privileges of the reader are reported once, with the reader.
        return "" if lacking or not self.role_says else f"The role of the server could not be read: {self.role_says}"


ServiceName = Literal["prometheus", "alertmanager", "vtctld", "vtorc", "vtgate"]
"""The name of a service."""


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """The report on Prometheus, Alertmanager or a component of Vitess."""

    name: ServiceName
    url: str = ""
    """Its URL without a password; '' if it is not configured."""
    says: str = ""
    """Why it cannot be used; '' if it can."""
    needed: bool = False
    """Whether it is needed although it is not configured."""

    @property
    def ok(self) -> bool:
        """Whether it answers, or is neither configured nor needed."""
        return not self.says or not (self.url or self.needed)
