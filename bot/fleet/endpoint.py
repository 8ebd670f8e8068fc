"""Tries a server's port from outside: whether the host answers, whether the server does, and whether it lets us in."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace

from actions.contract import ProbeResult, Seconds
from bot.fleet.connections import Server, refusal

KNOCK_WITHIN = 1.5
"""Seconds for the connection, and as many for the greeting."""
_HEADER = 4
"""Bytes before the payload of a packet: its length and number."""
_ERROR = 0xFF
"""First byte of a payload that is an error; a greeting begins with the protocol's version, 10."""


@dataclass(frozen=True, slots=True)
class ServerEndpoint:
    """Implements actions.contract.Endpoint."""

    server: Server
    timeout: Seconds = KNOCK_WITHIN

    @property
    def address(self) -> str:
        return self.server.address

    def probe(self) -> ProbeResult:
        """Connects and reads the greeting, which every server sends unasked; one that greets is logged into as well.

        A full server greets like any other while the connection that it keeps for an administrator is free, and says
        1040 only to the login of who is none (seen in MySQL 9.7 and MariaDB 10.11; in MySQL 9.7 who holds
        SERVICE_CONNECTION_ADMIN gets in). And a greeting without a login counts as a failed
        connection: after max_connect_errors of them in a row the server would block this host.
        """
        begun = time.monotonic()
        met = self._greeting(begun)
        if not met.greeted or met.errno:
            return met
        errno, error = refusal(self.server, self.timeout)
        return replace(met, errno=errno, error=error, took=time.monotonic() - begun)

    def _greeting(self, begun: float) -> ProbeResult:
        try:
            connection = socket.create_connection((self.server.host, self.server.port), self.timeout)
        except ConnectionRefusedError as error:
            return ProbeResult("refused", error=str(error), took=time.monotonic() - begun)
        except TimeoutError as error:
            return ProbeResult("silent", error=str(error), took=time.monotonic() - begun)
        except OSError as error:
            return ProbeResult("unreachable", error=str(error), took=time.monotonic() - begun)
        with connection:
            connection.settimeout(self.timeout)
            try:
                payload = connection.recv(512)[_HEADER:]
            except OSError as error:
                return ProbeResult("open", error=str(error) or "no greeting came", took=time.monotonic() - begun)
        took = time.monotonic() - begun
        if payload[:1] == bytes([_ERROR]) and len(payload) >= 3:
            return ProbeResult("open", True, int.from_bytes(payload[1:3], "little"), _text(payload[3:]), took)
        return ProbeResult("open", bool(payload), error="" if payload else "it hung up without a greeting", took=took)


def _text(message: bytes) -> str:
    """An error's sentence; a state of six characters may stand before it."""
    text = message.decode("utf-8", "replace")
    return text[6:] if text.startswith("#") else text
