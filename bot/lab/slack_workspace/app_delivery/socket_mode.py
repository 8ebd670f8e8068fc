"""Socket Mode, server side: tickets, hello, one of N connections per payload, acks and refreshes."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.lab.slack_workspace.model import Json
from bot.lab.slack_workspace.traffic_journal import Journal

MAX_CONNECTIONS = 10
TICKET_LIFE = 60.0  # seconds


@dataclass(eq=False, slots=True)
class SocketConnection:
    """An open connection of the app."""

    number: int
    socket: WebSocket
    leaving: bool = False
    frozen: bool = False
    waiting: dict[str, asyncio.Future[Json | str | None]] = field(default_factory=dict)

    async def send(self, message: Json) -> None:
        """Sends one JSON frame; a frozen connection discards it."""
        if not self.frozen:
            await self.socket.send_text(json.dumps(message))


class SocketMode:
    """The open connections of the app, and tickets for new ones."""

    def __init__(self, journal: Journal, app_id: str) -> None:
        self._journal = journal
        self._app_id = app_id
        self._tickets: dict[str, float] = {}
        self._turn = 0
        self._opened = 0
        self.connections: list[SocketConnection] = []

    def ticket(self) -> str:
        """Returns a ticket for one connection within a minute."""
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = time.monotonic() + TICKET_LIFE
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """Serves one connection until either side closes it."""
        until = self._tickets.pop(socket.query_params.get("ticket", ""), 0.0)
        if until < time.monotonic():
            await socket.close(4403)
            return
        await socket.accept()
        if len(self.connections) >= MAX_CONNECTIONS:
            await socket.send_text(json.dumps({"type": "disconnect", "reason": "too_many_websockets"}))
            await socket.close()
            return
        self._opened += 1
        connection = SocketConnection(self._opened, socket)
        self.connections.append(connection)
        self._journal.add("socket", "connected", connection=connection.number, open=len(self.connections))
        try:
            await connection.send(self._hello())
            while True:
                self._heard(connection, await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass  # closed by either side
        finally:
            self._gone(connection)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app_id},
        }

    def _heard(self, connection: SocketConnection, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            self._journal.add("socket", "not_json", connection=connection.number)
            return
        waiting = connection.waiting.pop(str(message.get("envelope_id")), None) if isinstance(message, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(message.get("payload"))

    def _gone(self, connection: SocketConnection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            self._journal.add("socket", "disconnected", connection=connection.number, open=len(self.connections))
        for waiting in connection.waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())

    def _next(self) -> SocketConnection | None:
        able = [connection for connection in self.connections if not connection.leaving] or self.connections
        if not able:
            return None
        self._turn += 1
        return able[self._turn % len(able)]

    async def deliver(self, envelope: Json, seconds: float) -> Json | str | None:
        """Sends the envelope to one connection and returns the ack's payload.

        Raises ConnectionError without a working connection, TimeoutError without an ack.
        """
        connection = self._next()
        if connection is None:
            raise ConnectionError
        waiting: asyncio.Future[Json | str | None] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope["envelope_id"]] = waiting
        try:
            await connection.send(envelope)
            return await asyncio.wait_for(waiting, seconds)
        except (WebSocketDisconnect, RuntimeError) as problem:
            raise ConnectionError from problem
        finally:
            connection.waiting.pop(envelope["envelope_id"], None)

    async def ask_to_leave(self, reason: str, grace: float = 2.0) -> None:
        """Sends `disconnect` to every connection, and closes it after the grace period, except for a `warning`."""
        for connection in list(self.connections):
            await connection.send(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-local"}},
            )
            if reason != "warning":
                connection.leaving = True
                asyncio.get_running_loop().call_later(grace, self._close_later, connection)
        self._journal.add("socket", f"disconnect {reason}", open=len(self.connections))

    def _close_later(self, connection: SocketConnection) -> None:
        if connection in self.connections:
            self._closing = asyncio.ensure_future(self._close(connection))

    async def _close(self, connection: SocketConnection) -> None:
        try:
            await connection.socket.close()
        except RuntimeError:
            return  # already closed by the other side
        finally:
            self._gone(connection)

    async def drop(self) -> None:
        """Closes every connection without notice."""
        for connection in list(self.connections):
            await self._close(connection)

    def freeze(self, frozen: bool) -> None:
        """Makes the open connections discard what is sent, or ends that."""
        for connection in self.connections:
            connection.frozen = frozen
