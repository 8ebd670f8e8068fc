"""The state of the workspace, which its Web API, page and sockets share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.lab.slack_workspace import seed_data
from bot.lab.slack_workspace.app_delivery.delivery import Delivery
from bot.lab.slack_workspace.app_delivery.events_api import Events
from bot.lab.slack_workspace.app_delivery.response_urls import ResponseUrls
from bot.lab.slack_workspace.app_delivery.socket_mode import SocketMode
from bot.lab.slack_workspace.app_manifest import Manifest
from bot.lab.slack_workspace.failure_switches import FailureSwitches, When
from bot.lab.slack_workspace.files import Files
from bot.lab.slack_workspace.messages import Messages
from bot.lab.slack_workspace.model import AppBot, Channel, Json, SlackError, Tokens, User
from bot.lab.slack_workspace.open_views import Triggers, Views
from bot.lab.slack_workspace.rate_limits import Limits
from bot.lab.slack_workspace.traffic_journal import Journal, NewsHub


@dataclass(frozen=True, slots=True)
class WorkspaceOptions:
    """The options of a workspace: the app's manifest, the file for messages, rate limits and HTTP mode."""

    manifest: Path | None = None
    data: Path | None = None
    limits: bool = True
    request_url: str = ""
    retry_delays: tuple[float, ...] | None = None  # seconds
    ack_seconds: float | None = None


class WorkspaceState:
    """The workspace of a process; its event loop changes it, other threads may read it and use `failures`."""

    def __init__(self, tokens: Tokens, options: WorkspaceOptions, clock: Callable[[], float] = time.time) -> None:
        self.tokens = tokens
        self.clock = clock
        self.url = ""
        self.data = options.data
        self.team_id = seed_data.TEAM
        self.users = seed_data.users()
        self.bots = seed_data.bots(tokens)
        self.channels = seed_data.channels()
        self.usergroups = seed_data.usergroups()
        self.manifest = Manifest.read(options.manifest) if options.manifest else Manifest.default()
        self.hub = NewsHub()
        self.journal = Journal(self.hub, clock)
        self.failures = FailureSwitches()
        self.limits = Limits(clock, options.limits)
        self.messages = Messages(clock)
        self.files = Files(clock)
        self.views = Views(clock)
        self.triggers = Triggers(clock)
        self.responses = ResponseUrls(clock)
        self.sockets = SocketMode(self.journal, seed_data.FIRSTMATE)
        self.delivery = Delivery(self.journal, self.sockets, tokens.signing_secret, options.request_url)
        if options.retry_delays is not None:
            self.delivery.retry_delays = options.retry_delays
        if options.ack_seconds is not None:
            self.delivery.ack_seconds = options.ack_seconds
        self.app.scopes = self.manifest.scopes
        self.events = Events(self)
        self.messages.listener = self.events.message

    @property
    def app(self) -> AppBot:
        """The bot that receives events, commands and clicks."""
        return self.bots["B0FIRSTMATE"]

    def bot_of(self, token: str) -> AppBot:
        """Returns the bot of a token; raises not_authed or invalid_auth."""
        if not token:
            raise SlackError("not_authed")
        for bot in self.bots.values():
            if token == bot.token:
                return bot
        raise SlackError("not_allowed_token_type" if token == self.tokens.app_token else "invalid_auth")

    def channel(self, named: object) -> Channel:
        """Returns a channel by id, name or #name; raises channel_not_found."""
        text = str(named or "").removeprefix("#")
        for channel in self.channels.values():
            if text in (channel.id, channel.name):
                return channel
        raise SlackError("channel_not_found")

    def user(self, named: object) -> User:
        """Returns a user by id; raises user_not_found."""
        user = self.users.get(str(named or ""))
        if user is None:
            raise SlackError("user_not_found")
        return user

    def fail_next(
        self,
        method: str,
        status: int = 500,
        times: int = 1,
        retry_after: int | None = None,
        error: str | None = None,
        when: When = "before",
    ) -> None:
        """Makes the next calls of a Web API method fail; see FailureSwitch."""
        self.failures.fail_next(method, status, times, retry_after, error, when)
        self.journal.add("fault", method, status=status, times=times, error=error, when=when)

    def journal_entries(self, kind: str | None = None) -> list[Json]:
        """Returns the journal, oldest first."""
        return self.journal.entries(kind=kind)
