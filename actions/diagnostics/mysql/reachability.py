"""Whether a server answers at its port at all, whoever it lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actions.contract import Cost, Endpoint, Flavour, Seconds, diagnostic

FULL, BLOCKED, REFUSED_HOST = 1040, 1129, 1130


@dataclass(frozen=True, slots=True)
class Reachability:
    """What came of trying the port, without logging in."""

    tcp: Literal["open", "refused", "silent", "unreachable"] = "silent"
    """`refused`: the host answers, and nobody listens; `silent`: nothing came back in time."""
    greeted: bool = False
    """Whether the server began the protocol: it is at work, whatever it says of us."""
    errno: int = 0
    """The error that it greeted with; 0 for none."""
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
    def hangs(self) -> bool:
        """Whether the port is open and nobody greets: the process is stopped, or too busy to accept."""
        return self.tcp == "open" and not self.greeted


@diagnostic(cost=Cost.LOW, needs={Flavour.MYSQL: (), Flavour.MARIADB: ()})
def reachability(endpoint: Endpoint) -> Reachability:
    """Connects to the port and waits for the greeting, which needs no user.

    A server whose connections are all taken greets with error 1040: it is not down.
    """
    knock = endpoint.knock()
    return Reachability(knock.tcp, knock.greeted, knock.errno, knock.error[:200], knock.took)
