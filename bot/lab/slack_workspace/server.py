"""Serves the local workspace: in a thread for tests, or as a program."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from bot.errors import Unreachable
from bot.lab.slack_workspace.asgi_app import create_app
from bot.lab.slack_workspace.model import Tokens
from bot.lab.slack_workspace.persistence import load
from bot.lab.slack_workspace.workspace_state import WorkspaceOptions, WorkspaceState

START_SECONDS = 10.0


class _Server(uvicorn.Server):
    """Signals when it is ready, and closes the page's event streams at shutdown."""

    def __init__(self, config: uvicorn.Config, state: WorkspaceState) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._state = state

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.hub.close()
        self._state.failures.clear()
        await self._state.sockets.drop()
        await super().shutdown(sockets)


class Workspace:
    """A local workspace on 127.0.0.1; `url`, `api_url` and `state` are set at construction."""

    def __init__(self, tokens: Tokens | None = None, options: WorkspaceOptions | None = None, port: int = 0) -> None:
        """Binds the port (0: any free one); raises Unreachable when it is in use, ConfigError for invalid files."""
        self.state = WorkspaceState(tokens or Tokens(), options or WorkspaceOptions())
        if self.state.data is not None:
            load(self.state, self.state.data)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError as problem:
            self._socket.close()
            raise Unreachable(
                f"The local workspace cannot listen on port {port} of 127.0.0.1 ({problem.strerror}); "
                "stop the program that uses the port, or choose another one."
            ) from problem
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_url = f"{self.url}/api/"
        self.state.url = self.url
        config = uvicorn.Config(
            create_app(self.state),
            log_level="error",
            access_log=False,
            lifespan="on",
            ws_ping_interval=10.0,
            ws_ping_timeout=20.0,
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config, self.state)
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serves until SIGTERM or Ctrl-C."""
        asyncio.run(self._server.serve([self._socket]))

    def start(self) -> None:
        """Serves in a thread; returns when it is ready, raises Unreachable if it is not in time."""
        self._thread = threading.Thread(target=self.run, name="workspace", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise Unreachable(f"The local workspace at {self.url} did not start within {START_SECONDS:.0f} s.")

    def stop(self) -> None:
        """Stops the thread and closes the port."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(START_SECONDS)
        self._socket.close()


@contextmanager
def running_workspace(
    tokens: Tokens | None = None, options: WorkspaceOptions | None = None, port: int = 0
) -> Iterator[Workspace]:
    """Runs a workspace in a thread for the length of a with block, and yields it."""
    workspace = Workspace(tokens, options, port)
    workspace.start()
    try:
        yield workspace
    finally:
        workspace.stop()
