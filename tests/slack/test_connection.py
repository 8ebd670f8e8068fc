"""The connection to Slack, and its errors."""

from __future__ import annotations

import threading

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from bot.config import Secret, SlackSettings
from bot.errors import ConfigError, Unreachable
from bot.lab.slack_workspace import Workspace, WorkspaceClient
from bot.slack import connection as connect
from bot.slack.connection import HttpConnection, Installation, SocketConnection, installation_of


def test_the_team_and_app_come_from_the_token(web: WebClient):
    assert installation_of(web) == Installation("T0LOCAL", "A0FIRSTMATE")


def test_a_wrong_bot_token_is_a_configuration_error(workspace: Workspace):
    wrong = WebClient(token="xoxb-wrong", base_url=workspace.api_url, retry_handlers=[])
    with pytest.raises(ConfigError, match=r"rejected slack.bot_token \(invalid_auth\). Reinstall the app"):
        installation_of(wrong)


def test_without_an_answer_slack_is_unreachable():
    nowhere = WebClient(token="xoxb-1", base_url="http://127.0.0.1:9/api/", timeout=1, retry_handlers=[])
    with pytest.raises(Unreachable, match=r"127.0.0.1:9/api/ does not answer"):
        installation_of(nowhere)


def socket(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, app_token: str) -> SocketConnection:
    monkeypatch.setenv("APP_TOKEN", app_token)
    monkeypatch.setenv("BOT_TOKEN", workspace.state.tokens.bot_token)
    settings = SlackSettings(
        bot_token=Secret(env="BOT_TOKEN"), app_token=Secret(env="APP_TOKEN"), base_url=workspace.api_url
    )
    web = WebClient(token=workspace.state.tokens.bot_token, base_url=workspace.api_url)
    return SocketConnection(App(client=web, signing_secret="unused"), settings)


def test_a_wrong_app_token_is_a_configuration_error(workspace: Workspace, monkeypatch):
    connection = socket(workspace, monkeypatch, "xapp-wrong")
    with pytest.raises(ConfigError, match=r"rejected slack.app_token \(invalid_auth\)"):
        connection.open()
    connection.close()


def test_a_broken_socket_reconnects(workspace: Workspace, people: WorkspaceClient, monkeypatch):
    connection = socket(workspace, monkeypatch, workspace.state.tokens.app_token)
    connection.open()
    assert connection.connected
    people.sockets("drop")
    people.wait_for(lambda: not connection.connected, what="The end of the socket")
    people.wait_for(lambda: connection.connected, timeout=30, what="The new socket")
    connection.close()
    people.wait_for(lambda: not connection.connected, what="The end of the connection")


def test_a_client_thread_that_does_not_end_is_left_behind(workspace: Workspace, people: WorkspaceClient, monkeypatch):
    monkeypatch.setattr(connect, "CLOSE_WITHIN", 0.2)
    connection = socket(workspace, monkeypatch, workspace.state.tokens.app_token)
    connection.open()
    runner = connection._handler.client.current_session_runner
    released = threading.Event()
    monkeypatch.setattr(runner, "shutdown", released.wait)
    connection.close()
    assert not released.is_set()
    people.wait_for(lambda: not connection.connected, what="The end of the connection")
    released.set()


@pytest.fixture
def signed(web: WebClient) -> HttpConnection:
    return HttpConnection(App(client=web, signing_secret="secret", token_verification_enabled=False))


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"a=b", 400),
        ({"x-slack-request-timestamp": "now"}, b"a=b", 400),
        ({"x-slack-request-timestamp": "²"}, b"a=b", 400),
        ({"x-slack-request-timestamp": "1"}, b"\xff", 400),
        ({"x-slack-request-timestamp": "1", "x-slack-signature": "v0=bad"}, b"a=b", 401),
    ],
)
def test_a_request_that_is_not_from_slack_is_refused(signed: HttpConnection, headers, body, status):
    assert signed.handle(body, headers)[0] == status
