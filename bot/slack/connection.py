"""The connection to Slack: Socket Mode or signed HTTP requests."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.config import SlackSettings
from bot.errors import ConfigError, Unreachable
from bot.slack.api_errors import NO_ANSWER, foreign_answer, refusal
from bot.slack.client_log import socket_logger, web_logger

log = logging.getLogger(__name__)

ANSWER_WITHIN = 10
"""Seconds until a call of the Web API times out."""
PING_EACH = 3
"""Seconds between two pings of the socket."""
CLOSE_WITHIN = 5.0
"""Seconds until closing the socket times out."""


def web_client(settings: SlackSettings) -> WebClient:
    """Returns a client that never waits or retries; the sender decides about both."""
    return WebClient(
        token=settings.bot_token.read(),
        base_url=settings.base_url,
        timeout=ANSWER_WITHIN,
        retry_handlers=[],
        logger=web_logger(),
    )


@dataclass(frozen=True, slots=True)
class Installation:
    """The team and the app that a bot token belongs to."""

    team: str
    app: str


def installation_of(client: WebClient) -> Installation:
    """Asks Slack which team and app the token belongs to; raises ConfigError for a wrong token, else Unreachable."""
    try:
        me = client.auth_test()
        bot = client.bots_info(bot=me["bot_id"])["bot"]
    except SlackApiError as error:
        if problem := foreign_answer(error):
            raise Unreachable(f"Slack at {client.base_url} {problem}") from error
        raise ConfigError(
            f"Slack rejected slack.bot_token ({refusal(error)}). Reinstall the app and update the secret."
        ) from error
    except NO_ANSWER as error:
        raise Unreachable(
            f"Slack at {client.base_url} does not answer: {error}. Check that this host, and a proxy in "
            "HTTPS_PROXY, may reach it."
        ) from error
    except KeyError as error:
        raise ConfigError("slack.bot_token is not a bot token. Use the token that begins with xoxb-.") from error
    return Installation(str(me["team_id"]), str(bot["app_id"]))


class SocketConnection:
    """Socket Mode: Slack sends each request to one of the app's open connections."""

    def __init__(self, app: App, settings: SlackSettings) -> None:
        assert settings.app_token is not None  # SlackSettings ensures it
        client = WebClient(base_url=settings.base_url, timeout=ANSWER_WITHIN, logger=web_logger())
        self._handler = SocketModeHandler(
            app,
            app_token=settings.app_token.read(),
            logger=socket_logger(),
            web_client=client,
            ping_interval=PING_EACH,
        )

    def open(self) -> None:
        """Connects; raises Unreachable or ConfigError."""
        try:
            self._handler.connect()  # type: ignore[no-untyped-call]
        except SlackApiError as error:
            if problem := foreign_answer(error):
                raise Unreachable(f"Slack {problem}") from error
            raise ConfigError(
                f"Slack rejected slack.app_token ({refusal(error)}). Generate an app-level token (xapp-…) with the "
                "scope connections:write and update the secret."
            ) from error
        except NO_ANSWER as error:
            raise Unreachable(
                f"Slack does not open a Socket Mode connection: {error}. Check that this host can reach Slack."
            ) from error

    @property
    def connected(self) -> bool:
        return bool(self._handler.client.is_connected())

    def close(self) -> None:
        """Closes the socket and waits at most CLOSE_WITHIN seconds for the client's threads.

        slack_sdk 3.x ends its receiving thread by a flag (`terminated` in its builtin client) that the thread itself
        may reset at that moment; a join would then never return. The thread is a daemon, so it may be left behind.
        """
        closing = threading.Thread(target=self._close, name="slack-close", daemon=True)
        closing.start()
        closing.join(CLOSE_WITHIN)
        if closing.is_alive():
            log.warning("threads of the Slack client did not end within %s s; they end with the process", CLOSE_WITHIN)

    def _close(self) -> None:
        client = self._handler.client
        client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
        session = client.current_session
        if session is not None and session.sock is not None:
            # Closing does not wake a thread that is reading: it would block until its timeout of 3 s.
            with suppress(OSError):
                session.sock.shutdown(socket.SHUT_RDWR)
        self._handler.close()  # type: ignore[no-untyped-call]


class HttpConnection:
    """Signed HTTP requests, which bot.intake passes on."""

    def __init__(self, app: App) -> None:
        self._app = app

    def open(self) -> None:
        """Does nothing: Slack connects to Firstmate."""

    @property
    def connected(self) -> bool:
        return True

    def close(self) -> None:
        """Does nothing."""

    def handle(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], str]:
        """Answers one request: 401 for a wrong signature, 400 for a malformed request."""
        stamp = headers.get("x-slack-request-timestamp", "")
        if not stamp.isascii() or not stamp.isdigit():
            return 400, {}, "x-slack-request-timestamp is missing or not a number"
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return 400, {}, "the body is not UTF-8"
        lists: dict[str, str | Sequence[str]] = {name: [value] for name, value in headers.items()}
        answer = self._app.dispatch(BoltRequest(body=text, headers=lists))
        return answer.status, {name: values[0] for name, values in answer.headers.items() if values}, answer.body


Connection = SocketConnection | HttpConnection


def connect(app: App, settings: SlackSettings) -> Connection:
    """Returns the connection for the configured mode, not opened yet."""
    return SocketConnection(app, settings) if settings.mode == "socket" else HttpConnection(app)
