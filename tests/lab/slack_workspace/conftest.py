"""A separate workspace for every test, and a real slack_bolt app connected to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient

from bot.lab.slack_workspace import Workspace, WorkspaceClient, WorkspaceOptions, running_workspace

Connect = Callable[[App], SocketModeClient]


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    options = WorkspaceOptions(limits=False, retry_delays=(0.05, 0.1, 0.1))
    with running_workspace(options=options) as running:
        yield running


@pytest.fixture
def people(workspace: Workspace) -> WorkspaceClient:
    return WorkspaceClient(workspace.url)


@pytest.fixture
def web(workspace: Workspace) -> WebClient:
    return WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url)


@pytest.fixture
def app(workspace: Workspace, web: WebClient) -> App:
    return App(client=web, signing_secret=workspace.state.tokens.signing_secret)


@pytest.fixture
def connect(workspace: Workspace, people: WorkspaceClient) -> Iterator[Connect]:
    clients: list[SocketModeClient] = []
    with ExitStack() as closing:

        def connected(app: App) -> SocketModeClient:
            handler = SocketModeHandler(app, app_token=workspace.state.tokens.app_token)
            handler.client.web_client.base_url = workspace.api_url
            before = len(workspace.state.sockets.connections)
            handler.connect()
            closing.callback(handler.close)
            clients.append(handler.client)
            people.wait_for(lambda: len(workspace.state.sockets.connections) > before, what="The connection of bolt")
            return handler.client

        yield connected
        # Bolt's close may wait in select for 10 s; closing the connection at the server ends that wait.
        for client in clients:
            client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
        people.sockets("drop")
        people.wait_for(lambda: not any(client.is_connected() for client in clients), what="The end of the connections")
