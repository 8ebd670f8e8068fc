"""`firstmate runbooks`: the runbooks in force."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from bot.cli.terminal import JsonOption, RunbooksOption, library, out, print_json

commands = typer.Typer()


@commands.command()
def runbooks(config: RunbooksOption = None, as_json: JsonOption = False) -> None:
    """Lists the runbooks in force, with their titles and owners."""
    found = library(config).runbooks
    if as_json:
        rows = ({"runbook": each.runbook, "title": each.title, "owner": each.owner} for each in found)
        print_json({"runbooks": list(rows)})
        return
    table = Table("runbook", "title", "owner", box=None, pad_edge=False)
    for each in found:
        table.add_row(escape(each.runbook), escape(each.title), escape(each.owner))
    out.print(table)
