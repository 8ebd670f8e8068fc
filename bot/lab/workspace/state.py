"""The workspace as a whole: everything that its Web API, its page and its sockets share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bot.lab.workspace import seed
from bot.lab.workspace.delivery import Delivery
from bot.lab.workspace.events import Events
from bot.lab.workspace.failure_switches import Faults, When
from bot.lab.workspace.files import Files
from bot.lab.workspace.journal import Hub, Journal
from bot.lab.workspace.limits import Limits
from bot.lab.workspace.manifest import Manifest
from bot.lab.workspace.messages import Messages
from bot.lab.workspace.model import Bot, Channel, Json, SlackError, Tokens, User
from bot.lab.workspace.responses import ResponseUrls
from bot.lab.workspace.sockets import Sockets
from bot.lab.workspace.views import Triggers, Views


@dataclass(frozen=True, slots=True)
class Options:
    """How a workspace is started: the app's manifest, where to keep messages, limits, and HTTP mode."""

    manifest: Path | None = None
    data: Path | None = None
    limits: bool = True
    request_url: str = ""
    retry_delays: tuple[float, ...] | None = None  # seconds
    ack_seconds: float | None = None


class State:
    """The one workspace of a process; its event loop changes it, other threads may read it and use `faults`."""

    def __init__(self, tokens: Tokens, options: Options, clock: Callable[[], float] = time.time) -> None:
        self.tokens = tokens
        self.clock = clock
        self.url = ""
        self.data = options.data
        self.team_id = seed.TEAM
        self.users = seed.users()
        self.bots = seed.bots(tokens)
        self.channels = seed.channels()
        self.usergroups = seed.usergroups()
        self.manifest = Manifest.read(options.manifest) if options.manifest else Manifest.default()
        self.hub = Hub()
        self.journal = Journal(self.hub, clock)
        self.faults = Faults()
        self.limits = Limits(clock, options.limits)
        self.messages = Messages(clock)
        self.files = Files(clock)
        self.views = Views(clock)
        self.triggers = Triggers(clock)
        self.responses = ResponseUrls(clock)
        self.sockets = Sockets(self.journal, seed.FIRSTMATE)
        self.delivery = Delivery(self.journal, self.sockets, tokens.signing_secret, options.request_url)
        if options.retry_delays is not None:
            self.delivery.retry_delays = options.retry_delays
        if options.ack_seconds is not None:
            self.delivery.ack_seconds = options.ack_seconds
        self.app.scopes = self.manifest.scopes
        self.events = Events(self)
        self.messages.listener = self.events.message

    @property
    def app(self) -> Bot:
        """The bot that gets events, commands and clicks."""
        return self.bots["B0FIRSTMATE"]

    def bot_of(self, token: str) -> Bot:
        """Gives the bot that a token belongs to; raises not_authed or invalid_auth."""
        if not token:
            raise SlackError("not_authed")
        for bot in self.bots.values():
            if token == bot.token:
                return bot
        raise SlackError("not_allowed_token_type" if token == self.tokens.app_token else "invalid_auth")

    def channel(self, named: object) -> Channel:
        """Gives a channel by id, name or #name; raises channel_not_found."""
        text = str(named or "").removeprefix("#")
        for channel in self.channels.values():
            if text in (channel.id, channel.name):
                return channel
        raise SlackError("channel_not_found")

    def user(self, named: object) -> User:
        """Gives a user by id; raises user_not_found."""
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
        """Makes the next calls of a Web API method fail; see `faults.Fault`."""
        self.faults.fail_next(method, status, times, retry_after, error, when)
        self.journal.add("fault", method, status=status, times=times, error=error, when=when)

    def journal_entries(self, kind: str | None = None) -> list[Json]:
        """Gives what passed between the workspace and its apps, oldest first."""
        return self.journal.entries(kind=kind)
