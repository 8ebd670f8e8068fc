"""The HTTP server, in a thread of its own."""

from __future__ import annotations

import threading

import uvicorn
from starlette.applications import Starlette

from bot.errors import ConfigError


class HttpServer:
    """Serves one application on one port."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        self._where = f"{host}:{port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, host=host, port=port, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=3
            )
        )
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._failed = False

    def start(self) -> None:
        """Returns when the port accepts connections; raises ConfigError when it is taken."""
        self._thread.start()
        while not self._server.started:
            self._thread.join(0.01)
            if self._failed or not self._thread.is_alive():
                raise ConfigError(
                    f"Firstmate cannot listen on {self._where}: another process uses the port. Set intake.port to a "
                    "free one."
                )

    def stop(self) -> None:
        """Stops accepting connections, and waits at most 5 s for the requests under way."""
        self._server.should_exit = True
        self._thread.join(5)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:
            # uvicorn exits the thread like this when the port is taken.
            self._failed = True
