"""Builds the Bolt app: verifies the signatures of Slack's requests, and registers every entry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from slack_bolt import App

from bot.engine.user_commands import Commands
from bot.slack.authorize import Authorize
from bot.slack.error_replies import Record
from bot.slack.listeners import Listeners
from bot.slack.lookups import Lookups
from bot.slack.slash_commands import SlashCommands
from bot.slack.sweep_command import SweepCommand


def build_app(
    signing_secret: str | None,
    commands: Commands,
    lookups: Lookups,
    sweeps: SweepCommand,
    authorize: Authorize,
    record: Record,
) -> App:
    """Returns the Bolt app with every entry registered; without a signing secret it works in Socket Mode only."""
    app = App(
        client=authorize.client,
        signing_secret=signing_secret or "unused in socket mode",
        request_verification_enabled=signing_secret is not None,
        token_verification_enabled=False,
        process_before_response=False,
        listener_executor=ThreadPoolExecutor(16, "bolt"),
        raise_error_for_unhandled_request=False,
    )
    slash_commands = SlashCommands(commands, lookups, sweeps)
    Listeners(commands, lookups, slash_commands, authorize, record).register(app)
    return app
