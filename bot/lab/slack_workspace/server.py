"""Starts the local workspace: in a thread for tests and the demo, or as the program itself."""

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
    """Tells when it is ready, and ends the streams of the page when it is asked to stop."""

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
    """A local workspace on 127.0.0.1; `url`, `api_url` and `state` are there from the start."""

    def __init__(self, tokens: Tokens | None = None, options: WorkspaceOptions | None = None, port: int = 0) -> None:
        """Binds the port (0: a free one); raises Unreachable when somebody else holds it, ConfigError for bad files."""
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
                f"The local workspace could not take port {port} of 127.0.0.1 ({problem.strerror}); "
                "end the program that holds it, or choose another port."
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
        """Serves until the process is asked to end."""
        asyncio.run(self._server.serve([self._socket]))

    def start(self) -> None:
        """Serves in a thread; returns once it answers."""
        self._thread = threading.Thread(target=self.run, name="workspace", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS):
            raise Unreachable(f"The local workspace at {self.url} did not start within {START_SECONDS:.0f} s.")

    def stop(self) -> None:
        """Ends the thread and closes the port."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(START_SECONDS)
        self._socket.close()


@contextmanager
def running_workspace(
    tokens: Tokens | None = None, options: WorkspaceOptions | None = None, port: int = 0
) -> Iterator[Workspace]:
    """Runs a workspace in a thread for the length of a with block."""
    workspace = Workspace(tokens, options, port)
    workspace.start()
    try:
        yield workspace
    finally:
        workspace.stop()
