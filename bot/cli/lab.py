"""The commands `firstmate demo` and `firstmate lab`: the one module of the command line that imports the lab."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.lab_extra import DEMO_HELP, LAB_HELP, require_packages
from bot.cli.terminal import JsonOption
from bot.lab import demo as lab_demo
from bot.lab.commands import app as lab_commands

commands = typer.Typer()


@commands.command(help=DEMO_HELP)
def demo(
    once: Annotated[bool, typer.Option("--once", help="Approve without a person, then stop everything.")] = False,
    vitess: Annotated[bool, typer.Option("--vitess", help="Break a shard of a Vitess cluster instead.")] = False,
    as_json: JsonOption = False,
) -> None:
    require_packages()
    story = lab_demo.SCHEMA_CHANGE if vitess else lab_demo.REPLICATION
    raise typer.Exit(lab_demo.once(story, as_json=as_json) if once else lab_demo.play(story))


@lab_commands.callback(help=LAB_HELP)
def _lab() -> None:
    require_packages()


commands.add_typer(lab_commands, name="lab")
