"""The ASGI application of the local workspace, which accepts requests to its own address only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from bot.lab.slack_workspace.app_delivery.app_replies import response_url
from bot.lab.slack_workspace.local_api import GETS, POSTS
from bot.lab.slack_workspace.page.rendering import Rendering
from bot.lab.slack_workspace.page.routes import ROUTES
from bot.lab.slack_workspace.persistence import keep
from bot.lab.slack_workspace.web_api.endpoint import api, upload
from bot.lab.slack_workspace.workspace_state import WorkspaceState

OWN_HOSTS = frozenset({"127.0.0.1", "localhost"})


class OwnHostOnly:
    """Refuses other Host names (DNS rebinding) and cross-site requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards the request, or answers 403."""
        if scope["type"] in ("http", "websocket"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            host, origin = headers.get("host", ""), headers.get("origin")
            foreign = origin is not None and urlsplit(origin).netloc != host
            foreign = foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site")
            safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and origin is None
            if host.rpartition(":")[0 if ":" in host else 2] not in OWN_HOSTS or (foreign and not safe):
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 4403})
                    return
                refusal = PlainTextResponse(
                    "The local workspace accepts requests to its own address and from its own page only.", 403
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def link(socket: WebSocket) -> None:
    """Serves a Socket Mode connection."""
    await socket.app.state.workspace.sockets.serve(socket)


def create_app(state: WorkspaceState) -> Starlette:
    """Returns the application that serves the workspace."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        state.failures.bind(asyncio.get_running_loop())
        keeping = asyncio.create_task(keep(state, state.data)) if state.data else None
        yield
        state.delivery.stop()
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait([keeping])

    app = Starlette(
        routes=[
            Route("/api/{method}", api, methods=["GET", "POST"]),
            Route("/upload/v1/{ticket}", upload, methods=["POST", "PUT"]),
            *(
                Route(f"/{what}/{{team}}/{{key}}", response_url, methods=["POST"])
                for what in ("commands", "actions", "app")
            ),
            WebSocketRoute("/link/", link),
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in POSTS.items()),
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in GETS.items()),
            *ROUTES,
        ],
        middleware=[Middleware(OwnHostOnly)],
        lifespan=lifespan,
    )
    app.state.workspace = state
    app.state.rendering = Rendering(state)
    return app
