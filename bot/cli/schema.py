"""`firstmate schema`: the JSON Schema of runbooks."""

from __future__ import annotations

import typer

from bot.cli.terminal import print_json
from bot.runbook.language.json_schema import runbook_schema

commands = typer.Typer()


@commands.command()
def schema() -> None:
    """Prints the JSON Schema of runbooks, including the parameters of every action, for use in editors."""
    print_json(runbook_schema())
