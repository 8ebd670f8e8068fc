"""Whether a server answers at its port at all, whoever it lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actions.contract import Cost, Endpoint, Flavour, Seconds, diagnostic

FULL, BLOCKED, REFUSED_HOST = 1040, 1129, 1130
REFUSED_USER = (1045, 1226, 1698, 1820, 1862, 3118, 3159, 3955, 4151)
"""Denied, over its limits, locked, expired, not without TLS; 4151 is MariaDB's locked account."""


@dataclass(frozen=True, slots=True)
class Reachability:
    """What came of trying the port."""

    tcp: Literal["open", "refused", "silent", "unreachable"] = "silent"
    """`refused`: the host answers, and nobody listens; `silent`: nothing came back in time."""
    greeted: bool = False
    """Whether the server began the protocol: it is at work, whatever it says of us."""
    errno: int = 0
    """The server's error that turned us away, at its greeting or at the login; 0 for none."""
    error: str = ""
    took: Seconds = 0.0

    @property
    def full(self) -> bool:
        """Whether it turned us away since all its connections are taken (1040): it is up."""
        return self.errno == FULL

    @property
    def blocks_us(self) -> bool:
        """Whether it does not let this host in (1129, 1130): it is up."""
        return self.errno in (BLOCKED, REFUSED_HOST)

    @property
    def refuses_user(self) -> bool:
        """Whether it is up and refuses the user that looks: password, host, lock or expiry of the account."""
        return self.errno in REFUSED_USER

    @property
    def hangs(self) -> bool:
        """Whether the port is open and nobody greets: the process is stopped, or too busy to accept."""
        return self.tcp == "open" and not self.greeted


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def reachability(endpoint: Endpoint) -> Reachability:
    """Connects to the port, waits for the greeting, and logs in over that port alone.

    A server whose connections are all taken turns us away with error 1040, at its greeting or at the login: it is not
    down.
    """
    probe = endpoint.probe()
    return Reachability(probe.tcp, probe.greeted, probe.errno, probe.error[:200], probe.took)
