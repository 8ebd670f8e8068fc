"""Whether a server answers at its port, even if it refuses the login."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actions.contract import Cost, Flavour, Seconds, diagnostic
from actions.endpoint_contract import Endpoint

FULL, BLOCKED, REFUSED_HOST = 1040, 1129, 1130
OFFLINE = 3032
"""ER_SERVER_OFFLINE_MODE of MySQL 5.7.5 and later; MariaDB has no offline mode."""
REFUSED_USER = (1045, 1226, 1698, 1820, 1862, 3118, 3159, 3955, 4151)
"""Denied, over its limits, locked, expired, or TLS required; 4151 is MariaDB's locked account."""


@dataclass(frozen=True, slots=True)
class Reachability:
    """The result of connecting to the port."""

    tcp: Literal["open", "refused", "silent", "unreachable"] = "silent"
    """`refused`: the host answers but no process listens on the port; `silent`: there was no reply in time."""
    greeted: bool = False
    """Whether the server sent its handshake packet: the process is running, even if it refuses the login."""
    errno: int = 0
    """The error with which the server refused the connection, at the handshake or at the login; 0 for none."""
    error: str = ""
    """The error's text; '' for none."""
    took: Seconds = 0.0
    """Time from the connect to the result."""

    @property
    def full(self) -> bool:
        """Whether it refused the connection because its limit is reached (1040): it is up."""
        return self.errno == FULL

    @property
    def offline(self) -> bool:
        """Whether it refused the login because offline_mode is on (3032): it is up, and refuses its clients, too."""
        return self.errno == OFFLINE

    @property
    def blocks_us(self) -> bool:
        """Whether it refuses this host (1129, 1130): it is up."""
        return self.errno in (BLOCKED, REFUSED_HOST)

    @property
    def refuses_user(self) -> bool:
        """Whether it is up and refuses Firstmate's user: wrong password or host, or a locked or expired account."""
        return self.errno in REFUSED_USER

    @property
    def hangs(self) -> bool:
        """Whether the port is open but there is no handshake: the process is stopped, or too busy to accept."""
        return self.tcp == "open" and not self.greeted


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def reachability(endpoint: Endpoint) -> Reachability:
    """Connects to the port, waits for the handshake, and logs in over that port only.

    A server at its connection limit refuses the login with error 1040, at the handshake or at the login: it is not
    down.
    """
    probe = endpoint.probe()
    return Reachability(probe.tcp, probe.greeted, probe.errno, probe.error[:200], probe.took)
