"""The command that runs the bot."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from bot import app as composition
from bot.cli.terminal import ConfigOption, configured, err
from bot.runbook.library.live_library import LiveLibrary, summary

commands = typer.Typer()


@commands.command()
def serve(
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log every step to stderr.")] = False,
) -> None:
    """Runs the bot: receives alerts over HTTP and works with people in Slack, until SIGTERM or Ctrl-C."""
    if verbose:
        logging.getLogger("bot").setLevel(logging.INFO)
    settings = configured(config)
    address = f"http://{settings.intake.host}:{settings.intake.port}"

    def ready(live_library: LiveLibrary) -> None:
        err.print(f"Firstmate is running; send alerts to {address}/alerts/alertmanager.")
        for source in live_library.library.sources:
            err.print(f"Runbooks: {source}.", highlight=False, markup=False, soft_wrap=True)
        if live_library.broken:
            err.print(f"Not loaded:\n{summary(live_library.broken)}", style="red", markup=False, soft_wrap=True)

    composition.serve(settings, ready=ready)
