"""Probes the port of a server: whether the host answers, whether the server answers, and whether it allows a login."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, replace

from actions.contract import Seconds
from actions.endpoint_contract import ProbeResult
from bot.fleet.mysql_connections import Server, refusal

KNOCK_WITHIN = 1.5
"""Seconds until the connection times out, and the greeting."""
_HEADER = 4
"""Bytes of a packet header: length and sequence number."""
_ERROR = 0xFF
"""The first byte of an error packet; a greeting starts with the protocol version, 10."""


@dataclass(frozen=True, slots=True)
class ServerEndpoint:
    """Implements actions.endpoint_contract.Endpoint."""

    server: Server
    timeout: Seconds = KNOCK_WITHIN

    @property
    def address(self) -> str:
        return self.server.address

    def probe(self) -> ProbeResult:
        """Connects, reads the greeting, and logs in if there is one.

        A server without free connections still greets while the connection that it reserves for an administrator is
        free, and returns error 1040 only at the login of other users (seen in MySQL 9.7 and MariaDB 10.11; in MySQL 9.7
        users with SERVICE_CONNECTION_ADMIN can log in). A greeting without a login also counts as a failed connection:
        after max_connect_errors of them in a row the server blocks this host.
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
                return ProbeResult(
                    "open", error=str(error) or "no greeting was received", took=time.monotonic() - begun
                )
        took = time.monotonic() - begun
        if payload[:1] == bytes([_ERROR]) and len(payload) >= 3:
            return ProbeResult("open", True, int.from_bytes(payload[1:3], "little"), _text(payload[3:]), took)
        return ProbeResult(
            "open", bool(payload), error="" if payload else "the connection was closed without a greeting", took=took
        )


def _text(message: bytes) -> str:
    """Returns the message of an error packet without the SQLSTATE marker of six characters."""
    text = message.decode("utf-8", "replace")
    return text[6:] if text.startswith("#") else text
