"""The commands that run the bot."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from bot import app as composition
from bot.cli.terminal import ConfigOption, JsonOption, configured, err
from bot.lab import demo as lab_demo
from bot.runbook.library.live_library import LiveLibrary, summary

commands = typer.Typer()


@commands.command()
def serve(
    config: ConfigOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens, to stderr.")] = False,
) -> None:
    """Runs the bot: webhooks in, Slack out, until it is stopped."""
    if verbose:
        logging.getLogger("bot").setLevel(logging.INFO)
    settings = configured(config)
    address = f"http://{settings.intake.host}:{settings.intake.port}"

    def ready(live_library: LiveLibrary) -> None:
        err.print(f"Firstmate stands watch; alerts go to {address}/alerts/alertmanager.")
        for source in live_library.library.sources:
            err.print(f"Runbooks: {source}.", highlight=False, markup=False, soft_wrap=True)
        if live_library.broken:
            err.print(f"Left out:\n{summary(live_library.broken)}", style="red", markup=False, soft_wrap=True)

    composition.serve(settings, ready=ready)


@commands.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play it without a person, then end.")] = False,
    vitess: Annotated[bool, typer.Option("--vitess", help="Break a shard of a Vitess cluster instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Breaks replication on a real server, or a schema change under Vitess, and mends it from Slack."""
    story = lab_demo.SCHEMA_CHANGE if vitess else lab_demo.REPLICATION
    raise typer.Exit(lab_demo.once(story, as_json=as_json) if once else lab_demo.play(story))
