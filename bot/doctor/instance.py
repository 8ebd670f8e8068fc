"""What one server is like, and the services beside the servers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actions.contract import Flavour, ServerVersion
from bot.config import Role
from bot.doctor.user_privileges import User
from bot.engine.targets import Target

FLAVOURS = {Flavour.MYSQL: "MySQL", Flavour.MARIADB: "MariaDB", Flavour.PROXYSQL: "ProxySQL"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One server of the inventory, as it was found."""

    target: Target
    says: str = ""
    """Why nothing can be said of it: it is not there, or did not answer in time."""
    version: ServerVersion | None = None
    tls: bool | None = None
    """Whether the reader's connection was encrypted; None where it did not come to be."""
    super_read_only: bool = False
    role: Role | None = None
    """By the server's own word."""
    role_says: str = ""
    """How the role was read, or why it could not be."""
    spare_port_says: str = ""
    """Why its spare port does not let the reader in; '' where it does, or there is none."""
    users: tuple[User, ...] = ()

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
        """Whether its users take only a server with the right certificate for it."""
        shard = self.target.shard
        users = shard.proxies if self.target.is_proxy and shard.proxies is not None else shard
        return all(user.ca is not None for user in (users.reader, users.changer) if user is not None)

    @property
    def server(self) -> str:
        """Flavour and version for people."""
        if self.version is None:
            return "a server of unknown version"
        return f"{FLAVOURS[self.version.flavour]} {'.'.join(map(str, self.version.number))}"

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, each in a sentence."""
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
        return f"It is {self.server}, and the inventory says {declared.value}. Mend `flavour` of the shard."

    def _role(self) -> str:
        declared = self.target.instance.role
        if self.role is not None:
            if self.role is declared:
                return ""
            return (
                f"The inventory says {declared.value}, and the server is a {self.role.value}: {self.role_says}. Mend "
                "the inventory, or find out who changed the server; nothing is changed there until they agree."
            )
        lacking = any(user.missing or user.says for user in self.users if user.kind == "reader")
        # What the reader lacks is told once, with the reader.
        return "" if lacking or not self.role_says else f"Its role could not be read: {self.role_says}"


Name = Literal["prometheus", "alertmanager", "vtctld", "vtorc", "vtgate"]
"""What a service is called."""


@dataclass(frozen=True, slots=True)
class Service:
    """Prometheus, Alertmanager, or a component of Vitess."""

    name: Name
    url: str = ""
    """Without a password; '' where it is not configured."""
    says: str = ""
    """Why it cannot be used; '' where it can."""
    needed: bool = False
    """Whether something does not work without it although nobody configured it."""

    @property
    def ok(self) -> bool:
        """Whether it answers, or nobody asked for it."""
        return not self.says or not (self.url or self.needed)
