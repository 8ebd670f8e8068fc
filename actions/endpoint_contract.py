"""The reader that probes the port of a server from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from actions.contract import Seconds


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The result of connecting to a server's port."""

    tcp: Literal["open", "refused", "silent", "unreachable"]
    """`refused`: the host answers but no process listens on the port; `silent`: there was no reply within the timeout;
    `unreachable`: there is no route to the host."""
    greeted: bool = False
    """Whether the server sent its handshake packet: the process is running, even if it refuses the login."""
    errno: int = 0
    """The error with which the server refused the connection, such as 1040 (too many connections) or 1129 (host
    blocked); 0 if there was none."""
    error: str = ""
    took: Seconds = 0.0
    """Time from the connect to the result."""


class Endpoint(Protocol):
    """Connects to one server from outside, including a server that accepts no logins."""

    @property
    def address(self) -> str:
        """`host:port`, for messages."""
        ...

    def probe(self) -> ProbeResult:
        """Connects, waits for the handshake, logs in and disconnects. Never raises for an error of the server."""
        ...
