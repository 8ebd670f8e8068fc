"""A local workspace, and clients for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from bot.lab.slack_workspace import Workspace, WorkspaceClient, WorkspaceOptions, running_workspace
from bot.lab.slack_workspace.app_manifest import Manifest
from bot.store.database import Database
from bot.store.outbox_store import OutboxStore


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    with running_workspace(options=WorkspaceOptions(manifest=Manifest.shipped(), limits=False)) as running:
        yield running


@pytest.fixture
def people(workspace: Workspace) -> WorkspaceClient:
    return WorkspaceClient(workspace.url)


@pytest.fixture
def web(workspace: Workspace) -> WebClient:
    """A client that never waits or retries, as bot.slack.connection creates it."""
    token = workspace.state.tokens.bot_token
    return WebClient(token=token, base_url=workspace.api_url, timeout=5, retry_handlers=[])


class Clock:
    """A clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(database: Database, clock: Clock) -> OutboxStore:
    return OutboxStore(database, clock=clock)
